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
	content TEXT, 
	PRIMARY KEY (id), 
	CONSTRAINT annotations_key UNIQUE (item_id, stage, annotator, round, revision)
);
INSERT INTO "annotations" VALUES(1,'i0014','human','human',0,0,'human','audit',1,'"food"',NULL,NULL,1,'accepted',NULL,NULL,'{}','[]',1.79576971242099714277e+09,0,0,0,0,0.0,0.0,1,'{"text": "e8f0fa74ad6a1ad9"}');
INSERT INTO "annotations" VALUES(2,'i0034','human','human',0,0,'human','audit',1,'"food"',NULL,NULL,1,'accepted',NULL,NULL,'{}','[]',1.79576971242100214953e+09,0,0,0,0,0.0,0.0,1,'{"text": "009002127f6f8485"}');
INSERT INTO "annotations" VALUES(3,'i0021','human','human',0,0,'human','audit',1,'"animal"',NULL,NULL,1,'accepted',NULL,NULL,'{}','[]',1.7957697124209914207e+09,0,0,0,0,0.0,0.0,1,'{"text": "d7edefafafc5a55f"}');
INSERT INTO "annotations" VALUES(4,'i0027','human','human',0,0,'human','audit',1,'"animal"',NULL,NULL,1,'accepted',NULL,NULL,'{}','[]',1.79576971242098236089e+09,0,0,0,0,0.0,0.0,1,'{"text": "41257a8d7e7c4c1d"}');
INSERT INTO "annotations" VALUES(5,'i0030','human','human',1,0,'human','train',1,'"food"',NULL,NULL,1,'accepted',NULL,NULL,'{}','[]',1.79576971248018455503e+09,0,0,0,0,0.0,0.0,1,'{"text": "d0563c07e1ebde46"}');
INSERT INTO "annotations" VALUES(6,'i0008','human','human',1,0,'human','train',1,NULL,NULL,NULL,1,'deferred',NULL,NULL,'{}','[]',1.79576971248019075398e+09,0,0,0,0,0.0,0.0,1,'{"text": "eee760a2f3dfbee5"}');
INSERT INTO "annotations" VALUES(7,'i0012','human','human',1,0,'human','train',1,'"food"',NULL,NULL,1,'accepted',NULL,NULL,'{}','[]',1.79576971248017573353e+09,0,0,0,0,0.0,0.0,1,'{"text": "215cf00dfa65217c"}');
INSERT INTO "annotations" VALUES(8,'i0020','human','human',1,0,'human','train',1,'"food"',NULL,NULL,1,'accepted',NULL,NULL,'{}','[]',1.79576971248020410536e+09,0,0,0,0,0.0,0.0,1,'{"text": "88cb2b36e6a5f6e4"}');
INSERT INTO "annotations" VALUES(9,'i0033','human','human',1,0,'human','train',1,'"animal"',NULL,NULL,1,'accepted',NULL,NULL,'{}','[]',1.79576971248020935065e+09,0,0,0,0,0.0,0.0,1,'{"text": "5775e50a7c71a101"}');
INSERT INTO "annotations" VALUES(10,'i0013','human','human',1,0,'human','train',1,'"animal"',NULL,NULL,1,'accepted',NULL,NULL,'{}','[]',1.79576971248019862182e+09,0,0,0,0,0.0,0.0,1,'{"text": "47182bfbefb8c09d"}');
INSERT INTO "annotations" VALUES(11,'i0034','llm','llm',2,0,'llm','train',1,'"food"',0.8671875,'{"food": 0.8671875, "animal": 0.1328125}',1,'accepted',NULL,NULL,'{}','[]',1.79576971250974583632e+09,0,0,0,0,0.0,0.0,0,'{"text": "009002127f6f8485"}');
INSERT INTO "annotations" VALUES(12,'i0018','llm','llm',2,0,'llm','train',1,'"food"',0.794921875,'{"food": 0.794921875, "animal": 0.205078125}',1,'accepted',NULL,NULL,'{}','[]',1.7957697125096828937e+09,0,0,0,0,0.0,0.0,0,'{"text": "e825cf1d759a8588"}');
INSERT INTO "annotations" VALUES(13,'i0004','llm','llm',2,0,'llm','train',1,'"food"',0.986328125,'{"food": 0.986328125, "animal": 0.013671875}',1,'accepted',NULL,NULL,'{}','[]',1.79576971250962543489e+09,0,0,0,0,0.0,0.0,0,'{"text": "68e8e3b1d5d7ea29"}');
INSERT INTO "annotations" VALUES(14,'i0015','llm','llm',2,0,'llm','train',1,'"food"',0.71875,'{"food": 0.71875, "animal": 0.28125}',1,'deferred',NULL,NULL,'{}','[]',1.79576971250966882704e+09,0,0,0,0,0.0,0.0,0,'{"text": "224984afc7b5a993"}');
INSERT INTO "annotations" VALUES(15,'i0005','llm','llm',2,0,'llm','train',1,'"food"',0.873046875,'{"food": 0.873046875, "animal": 0.126953125}',1,'accepted',NULL,NULL,'{}','[]',1.79576971250963068004e+09,0,0,0,0,0.0,0.0,0,'{"text": "aeffc8f3c0d4353e"}');
INSERT INTO "annotations" VALUES(16,'i0039','llm','llm',2,0,'llm','train',1,'"animal"',0.990234375,'{"animal": 0.990234375, "food": 0.009765625}',1,'accepted',NULL,NULL,'{}','[]',1.79576971250976824764e+09,0,0,0,0,0.0,0.0,0,'{"text": "5e98731a9b4a4728"}');
INSERT INTO "annotations" VALUES(17,'i0002','llm','llm',2,0,'llm','train',1,'"food"',0.6484375,'{"food": 0.6484375, "animal": 0.3515625}',1,'deferred',NULL,NULL,'{}','[]',1.79576971250960731505e+09,0,0,0,0,0.0,0.0,0,'{"text": "3008178b706e1986"}');
INSERT INTO "annotations" VALUES(18,'i0035','llm','llm',2,0,'llm','train',1,'"animal"',0.578125,'{"animal": 0.578125, "food": 0.421875}',1,'deferred',NULL,NULL,'{}','[]',1.79576971250975060464e+09,0,0,0,0,0.0,0.0,0,'{"text": "91a06f6048f19a7d"}');
INSERT INTO "annotations" VALUES(19,'i0009','llm','llm',2,0,'llm','train',1,'"animal"',0.673828125,'{"animal": 0.673828125, "food": 0.326171875}',1,'deferred',NULL,NULL,'{}','[]',1.79576971250965023037e+09,0,0,0,0,0.0,0.0,0,'{"text": "7e0f01529d57c8c2"}');
INSERT INTO "annotations" VALUES(20,'i0029','llm','llm',2,0,'llm','train',1,'"animal"',0.732421875,'{"animal": 0.732421875, "food": 0.267578125}',1,'deferred',NULL,NULL,'{}','[]',1.7957697125097327232e+09,0,0,0,0,0.0,0.0,0,'{"text": "45c05ac36d6b4a33"}');
INSERT INTO "annotations" VALUES(21,'i0037','llm','llm',2,0,'llm','train',1,'"animal"',0.71875,'{"animal": 0.71875, "food": 0.28125}',1,'deferred',NULL,NULL,'{}','[]',1.7957697125097591877e+09,0,0,0,0,0.0,0.0,0,'{"text": "8adcdef510562b90"}');
INSERT INTO "annotations" VALUES(22,'i0032','llm','llm',2,0,'llm','train',1,'"food"',0.81640625,'{"food": 0.81640625, "animal": 0.18359375}',1,'accepted',NULL,NULL,'{}','[]',1.79576971250974178314e+09,0,0,0,0,0.0,0.0,0,'{"text": "19923782f39d48c6"}');
INSERT INTO "annotations" VALUES(23,'i0038','llm','llm',2,0,'llm','train',1,'"food"',0.693359375,'{"food": 0.693359375, "animal": 0.306640625}',1,'deferred',NULL,NULL,'{}','[]',1.79576971250976395602e+09,0,0,0,0,0.0,0.0,0,'{"text": "0f0695230e0e8c7e"}');
INSERT INTO "annotations" VALUES(24,'i0011','llm','llm',2,0,'llm','train',1,'"animal"',0.73828125,'{"animal": 0.73828125, "food": 0.26171875}',1,'deferred',NULL,NULL,'{}','[]',1795769712.50966,0,0,0,0,0.0,0.0,0,'{"text": "86f87000f349838f"}');
INSERT INTO "annotations" VALUES(25,'i0017','llm','llm',2,0,'llm','train',1,'"animal"',0.974609375,'{"animal": 0.974609375, "food": 0.025390625}',1,'accepted',NULL,NULL,'{}','[]',1.79576971250967836381e+09,0,0,0,0,0.0,0.0,0,'{"text": "295c6af425280147"}');
INSERT INTO "annotations" VALUES(26,'i0006','llm','llm',2,0,'llm','train',1,'"food"',0.81640625,'{"food": 0.81640625, "animal": 0.18359375}',1,'accepted',NULL,NULL,'{}','[]',1.79576971250963521005e+09,0,0,0,0,0.0,0.0,0,'{"text": "cc3657a9fd422093"}');
INSERT INTO "annotations" VALUES(27,'i0014','llm','llm',2,0,'llm','train',1,'"food"',0.548828125,'{"food": 0.548828125, "animal": 0.451171875}',1,'deferred',NULL,NULL,'{}','[]',1.79576971250966453555e+09,0,0,0,0,0.0,0.0,0,'{"text": "e8f0fa74ad6a1ad9"}');
INSERT INTO "annotations" VALUES(28,'i0022','llm','llm',2,0,'llm','train',1,'"food"',0.73046875,'{"food": 0.73046875, "animal": 0.26953125}',1,'deferred',NULL,NULL,'{}','[]',1.79576971250969696048e+09,0,0,0,0,0.0,0.0,0,'{"text": "d13318276969620b"}');
INSERT INTO "annotations" VALUES(29,'i0019','llm','llm',2,0,'llm','train',1,'"animal"',0.716796875,'{"animal": 0.716796875, "food": 0.283203125}',1,'deferred',NULL,NULL,'{}','[]',1.79576971250968790054e+09,0,0,0,0,0.0,0.0,0,'{"text": "6c01040d56cca89d"}');
INSERT INTO "annotations" VALUES(30,'i0023','llm','llm',2,0,'llm','train',1,'"animal"',0.626953125,'{"animal": 0.626953125, "food": 0.373046875}',1,'deferred',NULL,NULL,'{}','[]',1.79576971250970172881e+09,0,0,0,0,0.0,0.0,0,'{"text": "4925ad7ddc217c17"}');
INSERT INTO "annotations" VALUES(31,'i0024','llm','llm',2,0,'llm','train',1,'"animal"',0.84765625,'{"animal": 0.84765625, "food": 0.15234375}',1,'accepted',NULL,NULL,'{}','[]',1.79576971250970602038e+09,0,0,0,0,0.0,0.0,0,'{"text": "852eb99798307ee0"}');
INSERT INTO "annotations" VALUES(32,'i0036','llm','llm',2,0,'llm','train',1,'"food"',0.646484375,'{"food": 0.646484375, "animal": 0.353515625}',1,'deferred',NULL,NULL,'{}','[]',1.79576971250975489608e+09,0,0,0,0,0.0,0.0,0,'{"text": "3ff4078154a11b80"}');
INSERT INTO "annotations" VALUES(33,'i0010','llm','llm',2,0,'llm','train',1,'"food"',0.669921875,'{"food": 0.669921875, "animal": 0.330078125}',1,'deferred',NULL,NULL,'{}','[]',1.79576971250965523722e+09,0,0,0,0,0.0,0.0,0,'{"text": "f17acb341ab0e6ed"}');
INSERT INTO "annotations" VALUES(34,'i0003','llm','llm',2,0,'llm','train',1,'"animal"',0.68359375,'{"animal": 0.68359375, "food": 0.31640625}',1,'deferred',NULL,NULL,'{}','[]',1.79576971250962066648e+09,0,0,0,0,0.0,0.0,0,'{"text": "e2c0a48debfbbdb1"}');
INSERT INTO "annotations" VALUES(35,'i0021','llm','llm',2,0,'llm','train',1,'"animal"',0.544921875,'{"animal": 0.544921875, "food": 0.455078125}',1,'deferred',NULL,NULL,'{}','[]',1.79576971250969243043e+09,0,0,0,0,0.0,0.0,0,'{"text": "d7edefafafc5a55f"}');
INSERT INTO "annotations" VALUES(36,'i0007','llm','llm',2,0,'llm','train',1,'"animal"',0.982421875,'{"animal": 0.982421875, "food": 0.017578125}',1,'accepted',NULL,NULL,'{}','[]',1.79576971250964021681e+09,0,0,0,0,0.0,0.0,0,'{"text": "584666406fd6060e"}');
INSERT INTO "annotations" VALUES(37,'i0028','llm','llm',2,0,'llm','train',1,'"food"',0.513671875,'{"food": 0.513671875, "animal": 0.486328125}',1,'deferred',NULL,NULL,'{}','[]',1.79576971250972509388e+09,0,0,0,0,0.0,0.0,0,'{"text": "7c431f2f31ae894b"}');
INSERT INTO "annotations" VALUES(38,'i0026','llm','llm',2,0,'llm','train',1,'"food"',0.564453125,'{"food": 0.564453125, "animal": 0.435546875}',1,'deferred',NULL,NULL,'{}','[]',1.79576971250971531872e+09,0,0,0,0,0.0,0.0,0,'{"text": "e8a381e4054ff6db"}');
INSERT INTO "annotations" VALUES(39,'i0008','llm','llm',2,0,'llm','train',1,'"food"',0.939453125,'{"food": 0.939453125, "animal": 0.060546875}',1,'accepted',NULL,NULL,'{}','[]',1.79576971250964498522e+09,0,0,0,0,0.0,0.0,0,'{"text": "eee760a2f3dfbee5"}');
INSERT INTO "annotations" VALUES(40,'i0016','llm','llm',2,0,'llm','train',1,'"food"',0.880859375,'{"food": 0.880859375, "animal": 0.119140625}',1,'accepted',NULL,NULL,'{}','[]',1.79576971250967335706e+09,0,0,0,0,0.0,0.0,0,'{"text": "10de79b2d1a0d5c1"}');
INSERT INTO "annotations" VALUES(41,'i0025','llm','llm',2,0,'llm','train',1,'"animal"',0.732421875,'{"animal": 0.732421875, "food": 0.267578125}',1,'deferred',NULL,NULL,'{}','[]',1.79576971250971055031e+09,0,0,0,0,0.0,0.0,0,'{"text": "a776f8c54575d392"}');
INSERT INTO "annotations" VALUES(42,'i0000','llm','llm',2,0,'llm','train',1,'"food"',0.78125,'{"food": 0.78125, "animal": 0.21875}',1,'accepted',NULL,NULL,'{}','[]',1.7957697125095915795e+09,0,0,0,0,0.0,0.0,0,'{"text": "ed3f17681964697f"}');
INSERT INTO "annotations" VALUES(43,'i0031','llm','llm',2,0,'llm','train',1,'"animal"',0.869140625,'{"animal": 0.869140625, "food": 0.130859375}',1,'accepted',NULL,NULL,'{}','[]',1.79576971250973701482e+09,0,0,0,0,0.0,0.0,0,'{"text": "cda59010f888dd8b"}');
INSERT INTO "annotations" VALUES(44,'i0027','llm','llm',2,0,'llm','train',1,'"animal"',0.529296875,'{"animal": 0.529296875, "food": 0.470703125}',1,'deferred',NULL,NULL,'{}','[]',1.7957697125097198486e+09,0,0,0,0,0.0,0.0,0,'{"text": "41257a8d7e7c4c1d"}');
INSERT INTO "annotations" VALUES(45,'i0001','llm','llm',2,0,'llm','train',1,'"animal"',0.890625,'{"animal": 0.890625, "food": 0.109375}',1,'accepted',NULL,NULL,'{}','[]',1.79576971250960135467e+09,0,0,0,0,0.0,0.0,0,'{"text": "ce8c9ca88ebe34ad"}');
INSERT INTO "annotations" VALUES(46,'i0002','human','human',3,0,'human','review',1,'"food"',NULL,NULL,1,'accepted',NULL,NULL,'{}','[]',1.79576971257207441325e+09,0,0,0,0,0.0,0.0,1,'{"text": "3008178b706e1986"}');
INSERT INTO "annotations" VALUES(47,'i0023','human','human',3,0,'human','review',1,NULL,NULL,NULL,1,'deferred',NULL,NULL,'{}','[]',1.79576971257206511496e+09,0,0,0,0,0.0,0.0,1,'{"text": "4925ad7ddc217c17"}');
INSERT INTO "annotations" VALUES(48,'i0035','human','human',3,0,'human','review',1,'"animal"',NULL,NULL,1,'accepted',NULL,NULL,'{}','[]',1.79576971257206034664e+09,0,0,0,0,0.0,0.0,1,'{"text": "91a06f6048f19a7d"}');
INSERT INTO "annotations" VALUES(49,'i0026','human','human',3,0,'human','review',1,NULL,NULL,NULL,1,'deferred',NULL,NULL,'{}','[]',1.79576971257205533979e+09,0,0,0,0,0.0,0.0,1,'{"text": "e8a381e4054ff6db"}');
INSERT INTO "annotations" VALUES(50,'i0028','human','human',3,0,'human','review',1,'"food"',NULL,NULL,1,'accepted',NULL,NULL,'{}','[]',1.79576971257204794888e+09,0,0,0,0,0.0,0.0,1,'{"text": "7c431f2f31ae894b"}');
INSERT INTO "annotations" VALUES(51,'i0036','human','human',3,0,'human','review',1,'"food"',NULL,NULL,1,'accepted',NULL,NULL,'{}','[]',1.79576971257206964493e+09,0,0,0,0,0.0,0.0,1,'{"text": "3ff4078154a11b80"}');
INSERT INTO "annotations" VALUES(52,'i0030','human','human',1,1,'human','train',1,'"animal"',NULL,NULL,1,'accepted',NULL,'typed wrongly','{}','[]',1.79576971261215448385e+09,0,0,0,0,0.0,0.0,0,'{"text": "d0563c07e1ebde46"}');
INSERT INTO "annotations" VALUES(53,'i0012','human','human',1,1,'human','train',1,'"animal"',NULL,NULL,1,'accepted',NULL,'typed wrongly','{}','[]',1.79576971263935160631e+09,0,0,0,0,0.0,0.0,0,'{"text": "215cf00dfa65217c"}');
CREATE TABLE decisions (
	id INTEGER NOT NULL, 
	annotation BIGINT NOT NULL, 
	rule TEXT NOT NULL, 
	outcome TEXT NOT NULL, 
	round INTEGER NOT NULL, 
	time DOUBLE NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "decisions" VALUES(1,1,'router','accepted',0,1.79576971242099714277e+09);
INSERT INTO "decisions" VALUES(2,2,'router','accepted',0,1.79576971242100214953e+09);
INSERT INTO "decisions" VALUES(3,3,'router','accepted',0,1.7957697124209914207e+09);
INSERT INTO "decisions" VALUES(4,4,'router','accepted',0,1.79576971242098236089e+09);
INSERT INTO "decisions" VALUES(5,5,'router','accepted',1,1.79576971248018455503e+09);
INSERT INTO "decisions" VALUES(6,6,'router','deferred',1,1.79576971248019075398e+09);
INSERT INTO "decisions" VALUES(7,7,'router','accepted',1,1.79576971248017573353e+09);
INSERT INTO "decisions" VALUES(8,8,'router','accepted',1,1.79576971248020410536e+09);
INSERT INTO "decisions" VALUES(9,9,'router','accepted',1,1.79576971248020935065e+09);
INSERT INTO "decisions" VALUES(10,10,'router','accepted',1,1.79576971248019862182e+09);
INSERT INTO "decisions" VALUES(11,11,'router','accepted',2,1.79576971250974583632e+09);
INSERT INTO "decisions" VALUES(12,12,'router','accepted',2,1.7957697125096828937e+09);
INSERT INTO "decisions" VALUES(13,13,'router','accepted',2,1.79576971250962543489e+09);
INSERT INTO "decisions" VALUES(14,14,'router','deferred',2,1.79576971250966882704e+09);
INSERT INTO "decisions" VALUES(15,15,'router','accepted',2,1.79576971250963068004e+09);
INSERT INTO "decisions" VALUES(16,16,'router','accepted',2,1.79576971250976824764e+09);
INSERT INTO "decisions" VALUES(17,17,'router','deferred',2,1.79576971250960731505e+09);
INSERT INTO "decisions" VALUES(18,18,'router','deferred',2,1.79576971250975060464e+09);
INSERT INTO "decisions" VALUES(19,19,'router','deferred',2,1.79576971250965023037e+09);
INSERT INTO "decisions" VALUES(20,20,'router','deferred',2,1.7957697125097327232e+09);
INSERT INTO "decisions" VALUES(21,21,'router','deferred',2,1.7957697125097591877e+09);
INSERT INTO "decisions" VALUES(22,22,'router','accepted',2,1.79576971250974178314e+09);
INSERT INTO "decisions" VALUES(23,23,'router','deferred',2,1.79576971250976395602e+09);
INSERT INTO "decisions" VALUES(24,24,'router','deferred',2,1795769712.50966);
INSERT INTO "decisions" VALUES(25,25,'router','accepted',2,1.79576971250967836381e+09);
INSERT INTO "decisions" VALUES(26,26,'router','accepted',2,1.79576971250963521005e+09);
INSERT INTO "decisions" VALUES(27,27,'router','deferred',2,1.79576971250966453555e+09);
INSERT INTO "decisions" VALUES(28,28,'router','deferred',2,1.79576971250969696048e+09);
INSERT INTO "decisions" VALUES(29,29,'router','deferred',2,1.79576971250968790054e+09);
INSERT INTO "decisions" VALUES(30,30,'router','deferred',2,1.79576971250970172881e+09);
INSERT INTO "decisions" VALUES(31,31,'router','accepted',2,1.79576971250970602038e+09);
INSERT INTO "decisions" VALUES(32,32,'router','deferred',2,1.79576971250975489608e+09);
INSERT INTO "decisions" VALUES(33,33,'router','deferred',2,1.79576971250965523722e+09);
INSERT INTO "decisions" VALUES(34,34,'router','deferred',2,1.79576971250962066648e+09);
INSERT INTO "decisions" VALUES(35,35,'router','deferred',2,1.79576971250969243043e+09);
INSERT INTO "decisions" VALUES(36,36,'router','accepted',2,1.79576971250964021681e+09);
INSERT INTO "decisions" VALUES(37,37,'router','deferred',2,1.79576971250972509388e+09);
INSERT INTO "decisions" VALUES(38,38,'router','deferred',2,1.79576971250971531872e+09);
INSERT INTO "decisions" VALUES(39,39,'router','accepted',2,1.79576971250964498522e+09);
INSERT INTO "decisions" VALUES(40,40,'router','accepted',2,1.79576971250967335706e+09);
INSERT INTO "decisions" VALUES(41,41,'router','deferred',2,1.79576971250971055031e+09);
INSERT INTO "decisions" VALUES(42,42,'router','accepted',2,1.7957697125095915795e+09);
INSERT INTO "decisions" VALUES(43,43,'router','accepted',2,1.79576971250973701482e+09);
INSERT INTO "decisions" VALUES(44,44,'router','deferred',2,1.7957697125097198486e+09);
INSERT INTO "decisions" VALUES(45,45,'router','accepted',2,1.79576971250960135467e+09);
INSERT INTO "decisions" VALUES(46,46,'router','accepted',3,1.79576971257207441325e+09);
INSERT INTO "decisions" VALUES(47,47,'router','deferred',3,1.79576971257206511496e+09);
INSERT INTO "decisions" VALUES(48,48,'router','accepted',3,1.79576971257206034664e+09);
INSERT INTO "decisions" VALUES(49,49,'router','deferred',3,1.79576971257205533979e+09);
INSERT INTO "decisions" VALUES(50,50,'router','accepted',3,1.79576971257204794888e+09);
INSERT INTO "decisions" VALUES(51,51,'router','accepted',3,1.79576971257206964493e+09);
INSERT INTO "decisions" VALUES(52,52,'router','accepted',1,1.79576971261215448385e+09);
INSERT INTO "decisions" VALUES(53,53,'router','accepted',1,1.79576971263935160631e+09);
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
INSERT INTO "identity" VALUES('objective','labels');
INSERT INTO "identity" VALUES('seed','3');
INSERT INTO "identity" VALUES('task','9d3ff55bcb5da5d0');
INSERT INTO "identity" VALUES('pool','05c60822d945c7411f72ad0dc222a5db');
CREATE TABLE leases (
	stage TEXT NOT NULL, 
	round INTEGER NOT NULL, 
	item_id TEXT NOT NULL, 
	worker TEXT NOT NULL, 
	until DOUBLE NOT NULL, 
	PRIMARY KEY (stage, round, item_id, worker)
);
CREATE TABLE llmal_ledger (
	version INTEGER NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO "llmal_ledger" VALUES(3);
CREATE TABLE picks (
	round INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	item_id TEXT NOT NULL, 
	score DOUBLE, 
	why TEXT NOT NULL, 
	PRIMARY KEY (round, position)
);
INSERT INTO "picks" VALUES(0,0,'i0027',0.0,'drawn uniformly');
INSERT INTO "picks" VALUES(0,1,'i0021',0.0,'drawn uniformly');
INSERT INTO "picks" VALUES(0,2,'i0014',0.0,'drawn uniformly');
INSERT INTO "picks" VALUES(0,3,'i0034',0.0,'drawn uniformly');
INSERT INTO "picks" VALUES(1,0,'i0012',0.0,'drawn at random');
INSERT INTO "picks" VALUES(1,1,'i0030',0.0,'drawn at random');
INSERT INTO "picks" VALUES(1,2,'i0008',0.0,'drawn at random');
INSERT INTO "picks" VALUES(1,3,'i0013',0.0,'drawn at random');
INSERT INTO "picks" VALUES(1,4,'i0020',0.0,'drawn at random');
INSERT INTO "picks" VALUES(1,5,'i0033',0.0,'drawn at random');
INSERT INTO "picks" VALUES(3,0,'i0028',0.97265625,'margin 0.027');
INSERT INTO "picks" VALUES(3,1,'i0026',0.87109375,'margin 0.129');
INSERT INTO "picks" VALUES(3,2,'i0035',0.84375,'margin 0.156');
INSERT INTO "picks" VALUES(3,3,'i0023',0.74609375,'margin 0.254');
INSERT INTO "picks" VALUES(3,4,'i0036',0.70703125,'margin 0.293');
INSERT INTO "picks" VALUES(3,5,'i0002',0.703125,'margin 0.297');
INSERT INTO "picks" VALUES(4,0,'i0010',0.66015625,'margin 0.340');
INSERT INTO "picks" VALUES(4,1,'i0009',0.65234375,'margin 0.348');
INSERT INTO "picks" VALUES(4,2,'i0003',0.6328125,'margin 0.367');
INSERT INTO "picks" VALUES(4,3,'i0038',0.61328125,'margin 0.387');
INSERT INTO "picks" VALUES(4,4,'i0019',0.56640625,'margin 0.434');
INSERT INTO "picks" VALUES(4,5,'i0015',0.5625,'margin 0.438');
CREATE TABLE pool_versions (
	version INTEGER NOT NULL, 
	fingerprint TEXT NOT NULL, 
	items INTEGER, 
	columns TEXT, 
	ids BLOB, 
	reason TEXT, 
	time DOUBLE NOT NULL, 
	rounds INTEGER NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO "pool_versions" VALUES(1,'05c60822d945c7411f72ad0dc222a5db',40,'["text", "id"]',X'2266DE7AE0ECE4C7137409FB7DE31D4B10AE20F70FFDD1FEC4393FFC7A3BB10AC1F4EBDAA3C288FF805D4A4EFE59000D3AB3AAE2E2178FA3234DCFF8C4AD3451A0D38E0C05676F15A65E6D1816AD5F9D5581FA95DEDD63FDB32058689543ECE1126D27FFA99E089CD9C4F990A966BB0ECE8786228FCE75B57CD0630694F877DE93CD088379D86D8AA3B0E56B382E50DAE9DBEA6FD5DCAD37426E6E53CD6D42C3C8CEDB09ED3484A17CEA62FB344E760B459D27F9AB5A4E4D48AC04C1BE58AE34068E2DE7C2C2C7ADA9C674447ED9B284F181345D1ED2CA94A3DCF370B1E10F8E58C7A79C3C2CFBD7A570BDC408AE575BE1973D2B584ED6D91A5BE269975A43F08F0F448B0B969AEBC17DC519763473ADB2062CDE9A7EB3A5FFEC5AE34F6681AD34CD2A15135495F238199D176F3B37740C00D975250038C9C98350CD5B187B7E',NULL,1.79576971239209342004e+09,0);
CREATE TABLE queue (
	id INTEGER NOT NULL, 
	queue TEXT NOT NULL, 
	item_id TEXT NOT NULL, 
	round INTEGER NOT NULL, 
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
INSERT INTO "round_ends" VALUES(0,1.79576971245219874379e+09,'{"labelled": 0, "synthetic": 0, "human_labels": 4, "tokens": 0, "money": 0.0, "seconds": 0.033533766000005016}');
INSERT INTO "round_ends" VALUES(1,1.79576971249520874027e+09,'{"labelled": 5, "synthetic": 0, "accuracy": null, "macro_f1": null, "nll": null, "test_items": null, "mean_entropy": 0.54441924517477, "agreement": null, "human_labels": 10, "tokens": 0, "money": 0.0, "seconds": 0.016434046999961538}');
INSERT INTO "round_ends" VALUES(2,1.79576971254324340822e+09,'{"labelled": 20, "synthetic": 0, "accuracy": null, "macro_f1": null, "nll": null, "test_items": null, "mean_entropy": 0.3779266553174927, "agreement": 0.23913043478260868, "human_labels": 10, "tokens": 0, "money": 0.0, "seconds": 0.03645872699996744}');
INSERT INTO "round_ends" VALUES(3,1.79576971259111094472e+09,'{"labelled": 24, "synthetic": 0, "accuracy": null, "macro_f1": null, "nll": null, "test_items": null, "mean_entropy": 0.34544856248565037, "agreement": 1.0, "human_labels": 16, "tokens": 0, "money": 0.0, "seconds": 0.020347600000036437}');
CREATE TABLE rounds (
	number INTEGER NOT NULL, 
	phase TEXT NOT NULL, 
	selector TEXT NOT NULL, 
	started DOUBLE NOT NULL, 
	PRIMARY KEY (number)
);
INSERT INTO "rounds" VALUES(0,'audit','uniform',1.79576971241671323777e+09);
INSERT INTO "rounds" VALUES(1,'start','random',1.7957697124665770531e+09);
INSERT INTO "rounds" VALUES(2,'sweep','all',1.79576971250257873538e+09);
INSERT INTO "rounds" VALUES(3,'review','margin',1.79576971256659793851e+09);
INSERT INTO "rounds" VALUES(4,'review','margin',1.79576971260659217833e+09);
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
	label_map TEXT, 
	origins TEXT, 
	asks_again BOOLEAN NOT NULL, 
	rounds INTEGER NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO "task_versions" VALUES(1,'9d3ff55bcb5da5d0','{"name": "farm", "kind": "classification", "labels": [{"name": "animal", "description": "", "words": []}, {"name": "food", "description": "", "words": []}], "guidelines": "", "text": ["text"]}',NULL,1.79576971238560986515e+09,'{}','{}',0,0);
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
INSERT INTO "totals" VALUES('human','audit',4,0,0,0,0,0.0,0.0,4);
INSERT INTO "totals" VALUES('human','train',8,0,0,0,0,0.0,0.0,6);
INSERT INTO "totals" VALUES('llm','train',35,0,0,0,0,0.0,0.0,0);
INSERT INTO "totals" VALUES('human','review',6,0,0,0,0,0.0,0.0,6);
CREATE INDEX annotations_by_stage ON annotations (stage, round);
CREATE INDEX decisions_later ON decisions (annotation, id) WHERE rule != 'router';
CREATE INDEX queue_open ON queue (queue, id) WHERE answered IS NULL;
COMMIT;
