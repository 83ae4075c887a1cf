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
INSERT INTO "annotations" VALUES(1,'a','human','anna',0,0,'human','train',1,'"cow"',NULL,NULL,1,'accepted',NULL,NULL,'{}','[]',1001.0,0,0,0,0,0.0,0.0,1);
INSERT INTO "annotations" VALUES(2,'a','human','ben',0,0,'human','train',1,'"dog"',NULL,NULL,1,'accepted',NULL,NULL,'{}','[]',1001.0,0,0,0,0,0.0,0.0,1);
INSERT INTO "annotations" VALUES(3,'b','llm','llm',0,0,'llm','train',1,'"dog"',0.75,'{"cow": 0.25, "dog": 0.75}',1,'deferred',NULL,NULL,'{}','[]',1002.0,0,0,0,0,0.0,0.0,0);
INSERT INTO "annotations" VALUES(4,'a','human','ben',0,1,'human','train',1,'"cow"',NULL,NULL,1,'accepted',NULL,'a slip','{}','[]',1001.0,0,0,0,0,0.0,0.0,1);
INSERT INTO "annotations" VALUES(5,'d','human','eve',0,0,'human','audit',1,'["cow", "dog"]',NULL,NULL,1,'accepted',NULL,NULL,'{}','[]',1003.0,0,0,0,0,0.0,0.0,0);
CREATE TABLE decisions (
	id INTEGER NOT NULL, 
	annotation BIGINT NOT NULL, 
	rule TEXT NOT NULL, 
	outcome TEXT NOT NULL, 
	round INTEGER NOT NULL, 
	time DOUBLE NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "decisions" VALUES(1,1,'router','accepted',0,1001.0);
INSERT INTO "decisions" VALUES(2,2,'router','accepted',0,1001.0);
INSERT INTO "decisions" VALUES(3,3,'router','deferred',0,1002.0);
INSERT INTO "decisions" VALUES(4,4,'router','accepted',0,1001.0);
INSERT INTO "decisions" VALUES(5,5,'router','accepted',0,1003.0);
INSERT INTO "decisions" VALUES(6,3,'rule','accepted',0,1.79573213206822824474e+09);
CREATE TABLE events (
	id INTEGER NOT NULL, 
	time DOUBLE NOT NULL, 
	kind TEXT NOT NULL, 
	message TEXT NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "events" VALUES(1,1.79573213207099676132e+09,'note','a note','{}');
CREATE TABLE identity (
	field TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (field)
);
INSERT INTO "identity" VALUES('task','t');
INSERT INTO "identity" VALUES('pool','p');
INSERT INTO "identity" VALUES('objective','model');
INSERT INTO "identity" VALUES('seed','0');
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
INSERT INTO "picks" VALUES(0,0,'a',0.0,'drawn');
INSERT INTO "picks" VALUES(0,1,'b',0.0,'drawn');
INSERT INTO "picks" VALUES(0,2,'c',0.0,'drawn');
INSERT INTO "picks" VALUES(0,3,'d',0.0,'drawn');
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
INSERT INTO "queue" VALUES(1,'human','a',0,'anna',1060.0,1001.0);
INSERT INTO "queue" VALUES(2,'human','b',0,'anna',1060.0,NULL);
INSERT INTO "queue" VALUES(3,'human','c',0,'ben',1090.0,NULL);
INSERT INTO "queue" VALUES(4,'human','d',0,NULL,NULL,NULL);
CREATE TABLE round_ends (
	number INTEGER NOT NULL, 
	finished DOUBLE NOT NULL, 
	metrics TEXT NOT NULL, 
	PRIMARY KEY (number)
);
CREATE TABLE rounds (
	number INTEGER NOT NULL, 
	phase TEXT NOT NULL, 
	selector TEXT NOT NULL, 
	started DOUBLE NOT NULL, 
	PRIMARY KEY (number)
);
INSERT INTO "rounds" VALUES(0,'start','random',1.79573213203066921238e+09);
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
INSERT INTO "task_versions" VALUES(1,'t','{"name": "farm", "labels": [{"name": "cow"}, {"name": "dog"}]}',NULL,1.79573213202858161926e+09);
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
INSERT INTO "totals" VALUES('anna','train',1,0,0,0,0,0.0,0.0,1);
INSERT INTO "totals" VALUES('ben','train',2,0,0,0,0,0.0,0.0,2);
INSERT INTO "totals" VALUES('llm','train',1,0,0,0,0,0.0,0.0,0);
INSERT INTO "totals" VALUES('eve','audit',1,0,0,0,0,0.0,0.0,0);
CREATE INDEX annotations_by_stage ON annotations (stage, round);
CREATE INDEX decisions_later ON decisions (annotation, id) WHERE rule != 'router';
CREATE INDEX queue_open ON queue (queue, id) WHERE answered IS NULL;
COMMIT;
