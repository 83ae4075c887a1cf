BEGIN TRANSACTION;
CREATE TABLE annotations (
	id INTEGER NOT NULL, 
	item_id TEXT NOT NULL, 
	stage TEXT NOT NULL, 
	annotator TEXT NOT NULL, 
	round INTEGER NOT NULL, 
	revision INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	purpose TEXT NOT NULL, 
	task_version INTEGER NOT NULL, 
	answer TEXT, 
	confidence DOUBLE, 
	probabilities TEXT, 
	exact BOOLEAN NOT NULL, 
	decision TEXT NOT NULL, 
	rationale TEXT, 
	reason TEXT, 
	provenance TEXT NOT NULL, 
	flags TEXT NOT NULL, 
	created DOUBLE NOT NULL, 
	requests BIGINT NOT NULL, 
	prompt_tokens BIGINT NOT NULL, 
	completion_tokens BIGINT NOT NULL, 
	cached_tokens BIGINT NOT NULL, 
	seconds DOUBLE NOT NULL, 
	money DOUBLE NOT NULL, 
	human_labels BIGINT NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT annotations_key UNIQUE (item_id, stage, annotator, round, revision)
);
INSERT INTO "annotations" VALUES(1,'i0005','human','human',0,0,'human','train',1,'"animal"',NULL,NULL,1,'accepted',NULL,NULL,'{}','[]',1.79573222149110627173e+09,0,0,0,0,0.0,0.0,1);
INSERT INTO "annotations" VALUES(2,'i0001','human','human',0,0,'human','train',1,'"animal"',NULL,NULL,1,'accepted',NULL,NULL,'{}','[]',1.79573222149111294751e+09,0,0,0,0,0.0,0.0,1);
INSERT INTO "annotations" VALUES(3,'i0004','human','human',0,0,'human','train',1,'"food"',NULL,NULL,1,'accepted',NULL,NULL,'{}','[]',1.79573222149111771583e+09,0,0,0,0,0.0,0.0,1);
INSERT INTO "annotations" VALUES(4,'i0017','human','human',0,0,'human','train',1,'"animal"',NULL,NULL,1,'accepted',NULL,NULL,'{}','[]',1.79573222149112653733e+09,0,0,0,0,0.0,0.0,1);
INSERT INTO "annotations" VALUES(5,'i0000','llm','llm',1,0,'llm','train',1,'"food"',0.78125,'{"food": 0.78125, "animal": 0.21875}',1,'accepted',NULL,NULL,'{}','[]',1.79573222151107645032e+09,0,0,0,0,0.0,0.0,0);
INSERT INTO "annotations" VALUES(6,'i0002','llm','llm',1,0,'llm','train',1,'"food"',0.6484375,'{"food": 0.6484375, "animal": 0.3515625}',1,'deferred',NULL,NULL,'{}','[]',1.79573222151108360293e+09,0,0,0,0,0.0,0.0,0);
INSERT INTO "annotations" VALUES(7,'i0003','llm','llm',1,0,'llm','train',1,'"animal"',0.68359375,'{"animal": 0.68359375, "food": 0.31640625}',1,'deferred',NULL,NULL,'{}','[]',1.79573222151108860969e+09,0,0,0,0,0.0,0.0,0);
INSERT INTO "annotations" VALUES(8,'i0006','llm','llm',1,0,'llm','train',1,'"food"',0.81640625,'{"food": 0.81640625, "animal": 0.18359375}',1,'accepted',NULL,NULL,'{}','[]',1.79573222151109576226e+09,0,0,0,0,0.0,0.0,0);
INSERT INTO "annotations" VALUES(9,'i0007','llm','llm',1,0,'llm','train',1,'"animal"',0.982421875,'{"animal": 0.982421875, "food": 0.017578125}',1,'accepted',NULL,NULL,'{}','[]',1.79573222151110076898e+09,0,0,0,0,0.0,0.0,0);
INSERT INTO "annotations" VALUES(10,'i0008','llm','llm',1,0,'llm','train',1,'"food"',0.939453125,'{"food": 0.939453125, "animal": 0.060546875}',1,'accepted',NULL,NULL,'{}','[]',1.7957322215111050606e+09,0,0,0,0,0.0,0.0,0);
INSERT INTO "annotations" VALUES(11,'i0009','llm','llm',1,0,'llm','train',1,'"animal"',0.673828125,'{"animal": 0.673828125, "food": 0.326171875}',1,'deferred',NULL,NULL,'{}','[]',1.79573222151110911369e+09,0,0,0,0,0.0,0.0,0);
INSERT INTO "annotations" VALUES(12,'i0010','llm','llm',1,0,'llm','train',1,'"food"',0.669921875,'{"food": 0.669921875, "animal": 0.330078125}',1,'deferred',NULL,NULL,'{}','[]',1.79573222151111316687e+09,0,0,0,0,0.0,0.0,0);
INSERT INTO "annotations" VALUES(13,'i0011','llm','llm',1,0,'llm','train',1,'"animal"',0.73828125,'{"animal": 0.73828125, "food": 0.26171875}',1,'deferred',NULL,NULL,'{}','[]',1.79573222151111698153e+09,0,0,0,0,0.0,0.0,0);
INSERT INTO "annotations" VALUES(14,'i0012','llm','llm',1,0,'llm','train',1,'"food"',0.880859375,'{"food": 0.880859375, "animal": 0.119140625}',1,'accepted',NULL,NULL,'{}','[]',1.79573222151112151141e+09,0,0,0,0,0.0,0.0,0);
INSERT INTO "annotations" VALUES(15,'i0013','llm','llm',1,0,'llm','train',1,'"food"',0.533203125,'{"food": 0.533203125, "animal": 0.466796875}',1,'deferred',NULL,NULL,'{}','[]',1.79573222151112723348e+09,0,0,0,0,0.0,0.0,0);
INSERT INTO "annotations" VALUES(16,'i0014','llm','llm',1,0,'llm','train',1,'"food"',0.548828125,'{"food": 0.548828125, "animal": 0.451171875}',1,'deferred',NULL,NULL,'{}','[]',1.79573222151113104814e+09,0,0,0,0,0.0,0.0,0);
INSERT INTO "annotations" VALUES(17,'i0015','llm','llm',1,0,'llm','train',1,'"food"',0.71875,'{"food": 0.71875, "animal": 0.28125}',1,'deferred',NULL,NULL,'{}','[]',1.79573222151113533976e+09,0,0,0,0,0.0,0.0,0);
INSERT INTO "annotations" VALUES(18,'i0016','llm','llm',1,0,'llm','train',1,'"food"',0.880859375,'{"food": 0.880859375, "animal": 0.119140625}',1,'accepted',NULL,NULL,'{}','[]',1.79573222151113891598e+09,0,0,0,0,0.0,0.0,0);
INSERT INTO "annotations" VALUES(19,'i0018','llm','llm',1,0,'llm','train',1,'"food"',0.794921875,'{"food": 0.794921875, "animal": 0.205078125}',1,'accepted',NULL,NULL,'{}','[]',1.79573222151114273064e+09,0,0,0,0,0.0,0.0,0);
INSERT INTO "annotations" VALUES(20,'i0019','llm','llm',1,0,'llm','train',1,'"animal"',0.716796875,'{"animal": 0.716796875, "food": 0.283203125}',1,'deferred',NULL,NULL,'{}','[]',1.79573222151114678382e+09,0,0,0,0,0.0,0.0,0);
INSERT INTO "annotations" VALUES(21,'i0020','llm','llm',1,0,'llm','train',1,'"animal"',0.59765625,'{"animal": 0.59765625, "food": 0.40234375}',1,'deferred',NULL,NULL,'{}','[]',1.79573222151115226741e+09,0,0,0,0,0.0,0.0,0);
INSERT INTO "annotations" VALUES(22,'i0021','llm','llm',1,0,'llm','train',1,'"animal"',0.544921875,'{"animal": 0.544921875, "food": 0.455078125}',1,'deferred',NULL,NULL,'{}','[]',1.79573222151115632059e+09,0,0,0,0,0.0,0.0,0);
INSERT INTO "annotations" VALUES(23,'i0022','llm','llm',1,0,'llm','train',1,'"food"',0.73046875,'{"food": 0.73046875, "animal": 0.26953125}',1,'deferred',NULL,NULL,'{}','[]',1795732221.51116,0,0,0,0,0.0,0.0,0);
INSERT INTO "annotations" VALUES(24,'i0023','llm','llm',1,0,'llm','train',1,'"animal"',0.626953125,'{"animal": 0.626953125, "food": 0.373046875}',1,'deferred',NULL,NULL,'{}','[]',1.7957322215111637116e+09,0,0,0,0,0.0,0.0,0);
INSERT INTO "annotations" VALUES(25,'i0013','human','human',2,0,'human','review',1,'"animal"',NULL,NULL,1,'accepted',NULL,NULL,'{}','[]',1.79573222152849316596e+09,0,0,0,0,0.0,0.0,1);
INSERT INTO "annotations" VALUES(26,'i0021','human','human',2,0,'human','review',1,'"animal"',NULL,NULL,1,'accepted',NULL,NULL,'{}','[]',1.79573222152849769589e+09,0,0,0,0,0.0,0.0,1);
INSERT INTO "annotations" VALUES(27,'i0005','human','human',0,1,'human','train',1,'"food"',NULL,NULL,1,'accepted',NULL,'typed wrongly','{}','[]',1.79573222153078866005e+09,0,0,0,0,0.0,0.0,0);
INSERT INTO "annotations" VALUES(28,'i0001','human','human',0,1,'human','train',1,'"food"',NULL,NULL,1,'accepted',NULL,'typed wrongly','{}','[]',1.7957322215396492481e+09,0,0,0,0,0.0,0.0,0);
CREATE TABLE decisions (
	id INTEGER NOT NULL, 
	annotation BIGINT NOT NULL, 
	rule TEXT NOT NULL, 
	outcome TEXT NOT NULL, 
	round INTEGER NOT NULL, 
	time DOUBLE NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "decisions" VALUES(1,1,'router','accepted',0,1.79573222149110627173e+09);
INSERT INTO "decisions" VALUES(2,2,'router','accepted',0,1.79573222149111294751e+09);
INSERT INTO "decisions" VALUES(3,3,'router','accepted',0,1.79573222149111771583e+09);
INSERT INTO "decisions" VALUES(4,4,'router','accepted',0,1.79573222149112653733e+09);
INSERT INTO "decisions" VALUES(5,5,'router','accepted',1,1.79573222151107645032e+09);
INSERT INTO "decisions" VALUES(6,6,'router','deferred',1,1.79573222151108360293e+09);
INSERT INTO "decisions" VALUES(7,7,'router','deferred',1,1.79573222151108860969e+09);
INSERT INTO "decisions" VALUES(8,8,'router','accepted',1,1.79573222151109576226e+09);
INSERT INTO "decisions" VALUES(9,9,'router','accepted',1,1.79573222151110076898e+09);
INSERT INTO "decisions" VALUES(10,10,'router','accepted',1,1.7957322215111050606e+09);
INSERT INTO "decisions" VALUES(11,11,'router','deferred',1,1.79573222151110911369e+09);
INSERT INTO "decisions" VALUES(12,12,'router','deferred',1,1.79573222151111316687e+09);
INSERT INTO "decisions" VALUES(13,13,'router','deferred',1,1.79573222151111698153e+09);
INSERT INTO "decisions" VALUES(14,14,'router','accepted',1,1.79573222151112151141e+09);
INSERT INTO "decisions" VALUES(15,15,'router','deferred',1,1.79573222151112723348e+09);
INSERT INTO "decisions" VALUES(16,16,'router','deferred',1,1.79573222151113104814e+09);
INSERT INTO "decisions" VALUES(17,17,'router','deferred',1,1.79573222151113533976e+09);
INSERT INTO "decisions" VALUES(18,18,'router','accepted',1,1.79573222151113891598e+09);
INSERT INTO "decisions" VALUES(19,19,'router','accepted',1,1.79573222151114273064e+09);
INSERT INTO "decisions" VALUES(20,20,'router','deferred',1,1.79573222151114678382e+09);
INSERT INTO "decisions" VALUES(21,21,'router','deferred',1,1.79573222151115226741e+09);
INSERT INTO "decisions" VALUES(22,22,'router','deferred',1,1.79573222151115632059e+09);
INSERT INTO "decisions" VALUES(23,23,'router','deferred',1,1795732221.51116);
INSERT INTO "decisions" VALUES(24,24,'router','deferred',1,1.7957322215111637116e+09);
INSERT INTO "decisions" VALUES(25,25,'router','accepted',2,1.79573222152849316596e+09);
INSERT INTO "decisions" VALUES(26,26,'router','accepted',2,1.79573222152849769589e+09);
INSERT INTO "decisions" VALUES(27,27,'router','accepted',0,1.79573222153078866005e+09);
INSERT INTO "decisions" VALUES(28,28,'router','accepted',0,1.7957322215396492481e+09);
CREATE TABLE events (
	id INTEGER NOT NULL, 
	time DOUBLE NOT NULL, 
	kind TEXT NOT NULL, 
	message TEXT NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE identity (
	field TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (field)
);
INSERT INTO "identity" VALUES('task','9d3ff55bcb5da5d0');
INSERT INTO "identity" VALUES('pool','802c0dfb27de327112e81a2c4b210813');
INSERT INTO "identity" VALUES('objective','labels');
INSERT INTO "identity" VALUES('seed','3');
CREATE TABLE llmal_ledger (
	version INTEGER NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO "llmal_ledger" VALUES(2);
CREATE TABLE picks (
	round INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	item_id TEXT NOT NULL, 
	score DOUBLE, 
	why TEXT NOT NULL, 
	PRIMARY KEY (round, position)
);
INSERT INTO "picks" VALUES(0,0,'i0005',0.0,'drawn at random');
INSERT INTO "picks" VALUES(0,1,'i0001',0.0,'drawn at random');
INSERT INTO "picks" VALUES(0,2,'i0004',0.0,'drawn at random');
INSERT INTO "picks" VALUES(0,3,'i0017',0.0,'drawn at random');
INSERT INTO "picks" VALUES(2,0,'i0013',0.93359375,'margin 0.066');
INSERT INTO "picks" VALUES(2,1,'i0021',0.91015625,'margin 0.090');
INSERT INTO "picks" VALUES(2,2,'i0014',0.90234375,'margin 0.098');
INSERT INTO "picks" VALUES(2,3,'i0020',0.8046875,'margin 0.195');
CREATE TABLE queue (
	id INTEGER NOT NULL, 
	queue TEXT NOT NULL, 
	item_id TEXT NOT NULL, 
	round INTEGER NOT NULL, 
	worker TEXT, 
	leased_until DOUBLE, 
	answered DOUBLE, 
	PRIMARY KEY (id), 
	CONSTRAINT queue_key UNIQUE (queue, item_id, round)
);
CREATE TABLE round_ends (
	number INTEGER NOT NULL, 
	finished DOUBLE NOT NULL, 
	metrics TEXT NOT NULL, 
	PRIMARY KEY (number)
);
INSERT INTO "round_ends" VALUES(0,1.79573222150645112993e+09,'{"labelled": 4, "synthetic": 0, "accuracy": null, "macro_f1": null, "nll": null, "test_items": null, "mean_entropy": 0.44922181186124394, "agreement": null, "human_labels": 4, "tokens": 0, "money": 0.0, "seconds": 0.017460362001656904}');
INSERT INTO "round_ends" VALUES(1,1.79573222151975226399e+09,'{"labelled": 11, "synthetic": 0, "accuracy": null, "macro_f1": null, "nll": null, "test_items": null, "mean_entropy": 0.39951165278861067, "agreement": 0.04255319148936172, "human_labels": 4, "tokens": 0, "money": 0.0, "seconds": 0.009828078998907586}');
CREATE TABLE rounds (
	number INTEGER NOT NULL, 
	phase TEXT NOT NULL, 
	selector TEXT NOT NULL, 
	started DOUBLE NOT NULL, 
	PRIMARY KEY (number)
);
INSERT INTO "rounds" VALUES(0,'start','random',1.79573222147990155216e+09);
INSERT INTO "rounds" VALUES(1,'sweep','all',1.79573222150942373278e+09);
INSERT INTO "rounds" VALUES(2,'review','margin',1.79573222152698063844e+09);
CREATE TABLE spending (
	"key" TEXT NOT NULL, 
	purpose TEXT NOT NULL, 
	time DOUBLE NOT NULL, 
	requests BIGINT NOT NULL, 
	prompt_tokens BIGINT NOT NULL, 
	completion_tokens BIGINT NOT NULL, 
	cached_tokens BIGINT NOT NULL, 
	seconds DOUBLE NOT NULL, 
	money DOUBLE NOT NULL, 
	human_labels BIGINT NOT NULL, 
	PRIMARY KEY ("key")
);
CREATE TABLE synthetic (
	"row" INTEGER NOT NULL, 
	id TEXT NOT NULL, 
	text TEXT NOT NULL, 
	label TEXT NOT NULL, 
	generator TEXT NOT NULL, 
	accepted BOOLEAN NOT NULL, 
	refused_by TEXT, 
	reason TEXT, 
	provenance TEXT NOT NULL, 
	requests BIGINT NOT NULL, 
	prompt_tokens BIGINT NOT NULL, 
	completion_tokens BIGINT NOT NULL, 
	cached_tokens BIGINT NOT NULL, 
	seconds DOUBLE NOT NULL, 
	money DOUBLE NOT NULL, 
	human_labels BIGINT NOT NULL, 
	PRIMARY KEY ("row"), 
	UNIQUE (id)
);
CREATE TABLE task_versions (
	version INTEGER NOT NULL, 
	fingerprint TEXT NOT NULL, 
	task TEXT, 
	reason TEXT, 
	time DOUBLE NOT NULL, 
	PRIMARY KEY (version), 
	UNIQUE (fingerprint)
);
INSERT INTO "task_versions" VALUES(1,'9d3ff55bcb5da5d0','{"name": "farm", "kind": "classification", "labels": [{"name": "animal", "description": "", "words": []}, {"name": "food", "description": "", "words": []}], "guidelines": "", "text": ["text"]}',NULL,1.79573222146973848342e+09);
CREATE TABLE totals (
	name TEXT NOT NULL, 
	purpose TEXT NOT NULL, 
	annotations BIGINT NOT NULL, 
	requests BIGINT NOT NULL, 
	prompt_tokens BIGINT NOT NULL, 
	completion_tokens BIGINT NOT NULL, 
	cached_tokens BIGINT NOT NULL, 
	seconds DOUBLE NOT NULL, 
	money DOUBLE NOT NULL, 
	human_labels BIGINT NOT NULL, 
	PRIMARY KEY (name, purpose)
);
INSERT INTO "totals" VALUES('human','train',6,0,0,0,0,0.0,0.0,4);
INSERT INTO "totals" VALUES('llm','train',20,0,0,0,0,0.0,0.0,0);
INSERT INTO "totals" VALUES('human','review',2,0,0,0,0,0.0,0.0,2);
CREATE INDEX annotations_by_stage ON annotations (stage, round);
CREATE INDEX decisions_later ON decisions (annotation, id) WHERE rule != 'router';
CREATE INDEX queue_open ON queue (queue, id) WHERE answered IS NULL;
COMMIT;
