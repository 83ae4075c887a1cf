BEGIN TRANSACTION;
CREATE TABLE annotations (
	id INTEGER NOT NULL, 
	item_id TEXT NOT NULL, 
	annotator TEXT NOT NULL, 
	round INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	label TEXT, 
	confidence DOUBLE, 
	probabilities TEXT, 
	exact BOOLEAN NOT NULL, 
	decision TEXT NOT NULL, 
	rationale TEXT, 
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
	CONSTRAINT annotations_key UNIQUE (item_id, annotator, round)
);
INSERT INTO "annotations" VALUES(1,'p26','similarity',0,'similarity','weather',9.99836460639009882989e-01,'{"sport": 6.663767667808025e-05, "food": 9.690168431201154e-05, "weather": 0.9998364606390099}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572147999183940889e+09,0,0,0,0,4.21337666693943901918e-04,0.0,0);
INSERT INTO "annotations" VALUES(2,'p37','similarity',0,'similarity','food',0.986838552208741,'{"sport": 0.0007367992458452327, "food": 0.986838552208741, "weather": 0.012424648545413914}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572147999184560779e+09,0,0,0,0,4.21337666693943901918e-04,0.0,0);
INSERT INTO "annotations" VALUES(3,'p76','similarity',0,'similarity','food',9.57970532214972858575e-01,'{"sport": 0.00263351796151719, "food": 0.9579705322149729, "weather": 0.03939594982350998}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572147999185061451e+09,0,0,0,0,4.21337666693943901918e-04,0.0,0);
INSERT INTO "annotations" VALUES(4,'p36','similarity',0,'similarity','sport',9.91990313851827343327e-01,'{"sport": 0.9919903138518273, "food": 0.002897227949031912, "weather": 0.0051124581991408595}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572147999185442917e+09,0,0,0,0,4.21337666693943901918e-04,0.0,0);
INSERT INTO "annotations" VALUES(5,'p39','similarity',0,'similarity','sport',8.06068359254729527307e-01,'{"sport": 0.8060683592547295, "food": 0.09091403199647909, "weather": 0.10301760874879125}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572147999185824395e+09,0,0,0,0,4.21337666693943901918e-04,0.0,0);
INSERT INTO "annotations" VALUES(6,'p41','similarity',0,'similarity','weather',9.94772209970647525167e-01,'{"sport": 0.0037574004307936093, "food": 0.001470389598558997, "weather": 0.9947722099706475}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572147999186182022e+09,0,0,0,0,4.21337666693943901918e-04,0.0,0);
INSERT INTO "annotations" VALUES(7,'p66','similarity',0,'similarity','sport',8.36654884619514538357e-01,'{"sport": 0.8366548846195145, "food": 0.030733175107355317, "weather": 0.13261194027313014}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.7957214799918658734e+09,0,0,0,0,4.21337666693943901918e-04,0.0,0);
INSERT INTO "annotations" VALUES(8,'p46','similarity',0,'similarity','food',9.86408467294331847696e-01,'{"sport": 0.0018156217067805546, "food": 0.9864084672943318, "weather": 0.011775910998887522}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572147999187326427e+09,0,0,0,0,4.21337666693943901918e-04,0.0,0);
INSERT INTO "annotations" VALUES(9,'p68','similarity',0,'similarity','weather',9.99152776731022651546e-01,'{"sport": 0.00029222072946197394, "food": 0.000555002539515356, "weather": 0.9991527767310227}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572147999188089367e+09,0,0,0,0,4.21337666693943901918e-04,0.0,0);
INSERT INTO "annotations" VALUES(10,'p9','similarity',0,'similarity','sport',9.8495975582879324861e-01,'{"sport": 0.9849597558287932, "food": 0.0076036003162630395, "weather": 0.007436643854943754}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572147999188494677e+09,0,0,0,0,4.21337666693943901918e-04,0.0,0);
INSERT INTO "annotations" VALUES(11,'p7','similarity',0,'similarity','food',9.99601295552680846334e-01,'{"sport": 0.0002484497686659759, "food": 0.9996012955526808, "weather": 0.00015025467865315245}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572147999188899995e+09,0,0,0,0,4.21337666693943901918e-04,0.0,0);
INSERT INTO "annotations" VALUES(12,'p47','similarity',0,'similarity','weather',9.77929983664089896855e-01,'{"sport": 0.01593051947025093, "food": 0.006139496865659242, "weather": 0.9779299836640899}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572147999189281461e+09,0,0,0,0,4.21337666693943901918e-04,0.0,0);
INSERT INTO "annotations" VALUES(13,'p76','human',0,'human','food',NULL,NULL,1,'accepted',NULL,'{"simulated": true}','[]',1.7957214800182859898e+09,0,0,0,0,0.0,0.5,1);
INSERT INTO "annotations" VALUES(14,'p39','human',0,'human','sport',NULL,NULL,1,'accepted',NULL,'{"simulated": true}','[]',1.79572148001829051972e+09,0,0,0,0,0.0,0.5,1);
INSERT INTO "annotations" VALUES(15,'p66','human',0,'human','sport',NULL,NULL,1,'accepted',NULL,'{"simulated": true}','[]',1.7957214800182938575e+09,0,0,0,0,0.0,0.5,1);
INSERT INTO "annotations" VALUES(16,'p16','similarity',1,'similarity','food',9.57587616912860428719e-01,'{"sport": 0.002618255058017335, "food": 0.9575876169128604, "weather": 0.039794128029122244}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572148014667463305e+09,0,0,0,0,3.91584166739752034275e-05,0.0,0);
INSERT INTO "annotations" VALUES(17,'p4','similarity',1,'similarity','food',9.38963834877364122988e-01,'{"sport": 0.00450206562695789, "food": 0.9389638348773641, "weather": 0.05653409949567801}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.7957214801466798782e+09,0,0,0,0,3.91584166739752034275e-05,0.0,0);
INSERT INTO "annotations" VALUES(18,'p40','similarity',1,'similarity','food',9.33139797077051746931e-01,'{"sport": 0.006365220979802543, "food": 0.9331397970770517, "weather": 0.06049498194314558}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572148014668345455e+09,0,0,0,0,3.91584166739752034275e-05,0.0,0);
INSERT INTO "annotations" VALUES(19,'p88','similarity',1,'similarity','food',9.64842812893910495297e-01,'{"sport": 0.002619007519228424, "food": 0.9648428128939105, "weather": 0.03253817958686107}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.7957214801466872692e+09,0,0,0,0,3.91584166739752034275e-05,0.0,0);
INSERT INTO "annotations" VALUES(20,'p64','similarity',1,'similarity','food',9.50257297732051475769e-01,'{"sport": 0.004524532072418997, "food": 0.9502572977320515, "weather": 0.04521817019552961}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572148014669084542e+09,0,0,0,0,3.91584166739752034275e-05,0.0,0);
INSERT INTO "annotations" VALUES(21,'p28','similarity',1,'similarity','food',9.53675031551082574843e-01,'{"sport": 0.00378913237422197, "food": 0.9536750315510826, "weather": 0.04253583607469537}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572148014669442182e+09,0,0,0,0,3.91584166739752034275e-05,0.0,0);
INSERT INTO "annotations" VALUES(22,'p52','similarity',1,'similarity','food',0.949336164802403,'{"sport": 0.004853048419527323, "food": 0.949336164802403, "weather": 0.04581078677806966}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572148014669799804e+09,0,0,0,0,3.91584166739752034275e-05,0.0,0);
INSERT INTO "annotations" VALUES(23,'p25','similarity',1,'similarity','food',9.81866090555440940157e-01,'{"sport": 0.0007073768803369657, "food": 0.9818660905554409, "weather": 0.01742653256422196}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572148014670157425e+09,0,0,0,0,3.91584166739752034275e-05,0.0,0);
INSERT INTO "annotations" VALUES(24,'p49','similarity',1,'similarity','food',9.81775415419430252939e-01,'{"sport": 0.0008643888192357617, "food": 0.9817754154194303, "weather": 0.017360195761333904}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572148014670515065e+09,0,0,0,0,3.91584166739752034275e-05,0.0,0);
INSERT INTO "annotations" VALUES(25,'p61','similarity',1,'similarity','food',0.988236686542673,'{"sport": 0.0005805022619868794, "food": 0.988236686542673, "weather": 0.011182811195340276}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572148014670848843e+09,0,0,0,0,3.91584166739752034275e-05,0.0,0);
INSERT INTO "annotations" VALUES(26,'p1','similarity',1,'similarity','food',0.987236069789527,'{"sport": 0.00070012654685468, "food": 0.987236069789527, "weather": 0.012063803663618169}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572148014671206469e+09,0,0,0,0,3.91584166739752034275e-05,0.0,0);
INSERT INTO "annotations" VALUES(27,'p22','similarity',1,'similarity','food',0.982903866488828,'{"sport": 0.0033430938159399715, "food": 0.982903866488828, "weather": 0.013753039695232113}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572148014671564104e+09,0,0,0,0,3.91584166739752034275e-05,0.0,0);
CREATE TABLE events (
	id INTEGER NOT NULL, 
	time DOUBLE NOT NULL, 
	kind TEXT NOT NULL, 
	message TEXT NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "events" VALUES(1,1.79572147962498402601e+09,'plan','at most 90 items are picked; people give at most 18 labels; it costs at most 9.00; held down by the budget of 18 human labels','{"items": 90, "human_labels": 18, "requests": 0, "tokens": 0, "money": 9.0, "counted": 90, "estimated": false, "limited_by": ["the budget of 18 human labels"], "prompt": null, "candidates": [], "parts": {}}');
INSERT INTO "events" VALUES(2,1.79572148010931968687e+09,'warning','no language model is used: the labels of annotator ''similarity'' come from the similarity of texts and label descriptions','{}');
CREATE TABLE identity (
	field TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (field)
);
INSERT INTO "identity" VALUES('task','04886c20e0f2b615');
INSERT INTO "identity" VALUES('pool','91ced15560b86362b2fd921aaaaff7c0');
INSERT INTO "identity" VALUES('objective','model');
INSERT INTO "identity" VALUES('seed','0');
CREATE TABLE llmal_ledger (
	version INTEGER NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO "llmal_ledger" VALUES(1);
CREATE TABLE picks (
	round INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	item_id TEXT NOT NULL, 
	score DOUBLE, 
	why TEXT NOT NULL, 
	PRIMARY KEY (round, position)
);
INSERT INTO "picks" VALUES(0,0,'p26',8.79120879120879189505e-02,'most typical of cluster 7 (8 items, 0 labelled)');
INSERT INTO "picks" VALUES(0,1,'p37',8.79120879120879189505e-02,'most typical of cluster 2 (8 items, 0 labelled)');
INSERT INTO "picks" VALUES(0,2,'p76',8.79120879120879189505e-02,'most typical of cluster 4 (8 items, 0 labelled)');
INSERT INTO "picks" VALUES(0,3,'p36',8.79120879120879189505e-02,'most typical of cluster 3 (8 items, 0 labelled)');
INSERT INTO "picks" VALUES(0,4,'p39',8.79120879120879189505e-02,'most typical of cluster 9 (8 items, 0 labelled)');
INSERT INTO "picks" VALUES(0,5,'p41',8.79120879120879189505e-02,'most typical of cluster 5 (8 items, 0 labelled)');
INSERT INTO "picks" VALUES(0,6,'p66',7.6923076923076927347e-02,'most typical of cluster 11 (7 items, 0 labelled)');
INSERT INTO "picks" VALUES(0,7,'p46',7.6923076923076927347e-02,'most typical of cluster 10 (7 items, 0 labelled)');
INSERT INTO "picks" VALUES(0,8,'p68',7.6923076923076927347e-02,'most typical of cluster 6 (7 items, 0 labelled)');
INSERT INTO "picks" VALUES(0,9,'p9',7.6923076923076927347e-02,'most typical of cluster 1 (7 items, 0 labelled)');
INSERT INTO "picks" VALUES(0,10,'p7',7.6923076923076927347e-02,'most typical of cluster 8 (7 items, 0 labelled)');
INSERT INTO "picks" VALUES(0,11,'p47',7.6923076923076927347e-02,'most typical of cluster 0 (7 items, 0 labelled)');
INSERT INTO "picks" VALUES(1,0,'p16',1.52625858783721923828e-01,'margin 0.847');
INSERT INTO "picks" VALUES(1,1,'p4',1.49929165840148925781e-01,'margin 0.850');
INSERT INTO "picks" VALUES(1,2,'p40',1.49174869060516357421e-01,'margin 0.851');
INSERT INTO "picks" VALUES(1,3,'p88',1.46061718463897705078e-01,'margin 0.854');
INSERT INTO "picks" VALUES(1,4,'p64',1.38842046260833740234e-01,'margin 0.861');
INSERT INTO "picks" VALUES(1,5,'p28',1.37526929378509521484e-01,'margin 0.862');
INSERT INTO "picks" VALUES(1,6,'p52',1.36711597442626953125e-01,'margin 0.863');
INSERT INTO "picks" VALUES(1,7,'p25',1.3577365875244140625e-01,'margin 0.864');
INSERT INTO "picks" VALUES(1,8,'p49',1.28464877605438232421e-01,'margin 0.872');
INSERT INTO "picks" VALUES(1,9,'p61',1.25236451625823974609e-01,'margin 0.875');
INSERT INTO "picks" VALUES(1,10,'p1',1.24944508075714111328e-01,'margin 0.875');
INSERT INTO "picks" VALUES(1,11,'p22',1.23430430889129638671e-01,'margin 0.877');
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
INSERT INTO "round_ends" VALUES(0,1.79572148010002350802e+09,'{"labelled": 12, "synthetic": 0, "accuracy": 1.0, "macro_f1": 1.0, "nll": 0.11116115580685809, "test_items": 30, "mean_entropy": 0.26705762789255416, "agreement": null, "human_labels": 3, "tokens": 0, "money": 1.5, "seconds": 0.11522252299982938}');
CREATE TABLE rounds (
	number INTEGER NOT NULL, 
	phase TEXT NOT NULL, 
	selector TEXT NOT NULL, 
	started DOUBLE NOT NULL, 
	PRIMARY KEY (number)
);
INSERT INTO "rounds" VALUES(0,'start','typiclust',1.79572147997410249712e+09);
INSERT INTO "rounds" VALUES(1,'query','margin',1.79572148013158679009e+09);
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
CREATE INDEX annotations_by_annotator ON annotations (annotator, round);
CREATE INDEX queue_open ON queue (queue, id) WHERE answered IS NULL;
COMMIT;
