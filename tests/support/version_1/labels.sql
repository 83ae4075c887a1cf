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
INSERT INTO "annotations" VALUES(1,'p36','human',0,'human','sport',NULL,NULL,1,'accepted',NULL,'{"simulated": true}','[]',1.7957213899425296783e+09,0,0,0,0,0.0,0.0,1);
INSERT INTO "annotations" VALUES(2,'p37','human',0,'human','food',NULL,NULL,1,'accepted',NULL,'{"simulated": true}','[]',1.79572138994253444671e+09,0,0,0,0,0.0,0.0,1);
INSERT INTO "annotations" VALUES(3,'p47','human',0,'human','weather',NULL,NULL,1,'accepted',NULL,'{"simulated": true}','[]',1.79572138994253778458e+09,0,0,0,0,0.0,0.0,1);
INSERT INTO "annotations" VALUES(4,'p26','human',0,'human','weather',NULL,NULL,1,'accepted',NULL,'{"simulated": true}','[]',1.79572138994254088396e+09,0,0,0,0,0.0,0.0,1);
INSERT INTO "annotations" VALUES(5,'p76','human',0,'human','food',NULL,NULL,1,'accepted',NULL,'{"simulated": true}','[]',1.79572138994254350665e+09,0,0,0,0,0.0,0.0,1);
INSERT INTO "annotations" VALUES(6,'p9','human',0,'human','sport',NULL,NULL,1,'accepted',NULL,'{"simulated": true}','[]',1.79572138994254660608e+09,0,0,0,0,0.0,0.0,1);
INSERT INTO "annotations" VALUES(7,'p0','similarity',1,'similarity','sport',9.89596389767051776154e-01,'{"sport": 0.9895963897670518, "food": 0.0048332154042233675, "weather": 0.0055703948287248485}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005682253841e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(8,'p1','similarity',1,'similarity','food',0.987236069789527,'{"sport": 0.00070012654685468, "food": 0.987236069789527, "weather": 0.012063803663618169}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005682921406e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(9,'p2','similarity',1,'similarity','weather',9.99881826583617461245e-01,'{"sport": 6.361049731515071e-05, "food": 5.456291906736699e-05, "weather": 0.9998818265836175}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.7957213900568344593e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(10,'p3','similarity',1,'similarity','sport',8.31130476842581122909e-01,'{"sport": 0.8311304768425811, "food": 0.09930704193120451, "weather": 0.06956248122621422}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005683898923e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(11,'p4','similarity',1,'similarity','food',9.38963834877364122988e-01,'{"sport": 0.00450206562695789, "food": 0.9389638348773641, "weather": 0.05653409949567801}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005684351924e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(12,'p5','similarity',1,'similarity','weather',9.94128910663820586357e-01,'{"sport": 0.003491768653064812, "food": 0.0023793206831145427, "weather": 0.9941289106638206}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005684828757e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(13,'p6','similarity',1,'similarity','sport',8.31614238212216694279e-01,'{"sport": 0.8316142382122167, "food": 0.03187922383083099, "weather": 0.13650653795695236}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005685353285e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(14,'p7','similarity',1,'similarity','food',9.99601295552680846334e-01,'{"sport": 0.0002484497686659759, "food": 0.9996012955526808, "weather": 0.00015025467865315245}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005686092372e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(15,'p8','similarity',1,'similarity','weather',9.98931999600701336916e-01,'{"sport": 0.000357146893294313, "food": 0.0007108535060042165, "weather": 0.9989319996007013}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005686593057e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(16,'p10','similarity',1,'similarity','food',9.87059903047543651943e-01,'{"sport": 0.001760412303935549, "food": 0.9870599030475437, "weather": 0.011179684648520904}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005687046045e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(17,'p11','similarity',1,'similarity','weather',0.973332209705368,'{"sport": 0.018246293532984726, "food": 0.008421496761647305, "weather": 0.973332209705368}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005687499051e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(18,'p12','similarity',1,'similarity','sport',9.8453521113354058869e-01,'{"sport": 0.9845352111335406, "food": 0.009044291482965336, "weather": 0.00642049738349408}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005687928196e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(19,'p13','similarity',1,'similarity','food',9.87354772315037099161e-01,'{"sport": 0.0004442993123780398, "food": 0.9873547723150371, "weather": 0.012200928372584734}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005688405041e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(20,'p14','similarity',1,'similarity','weather',9.99839819209793478904e-01,'{"sport": 6.279941206390546e-05, "food": 9.73813781425406e-05, "weather": 0.9998398192097935}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005688810346e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(21,'p15','similarity',1,'similarity','sport',7.44721106275173072575e-01,'{"sport": 0.7447211062751731, "food": 0.13283414371933597, "weather": 0.12244475000549095}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005689215655e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(22,'p16','similarity',1,'similarity','food',9.57587616912860428719e-01,'{"sport": 0.002618255058017335, "food": 0.9575876169128604, "weather": 0.039794128029122244}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005689620974e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(23,'p17','similarity',1,'similarity','weather',9.94316379972375541385e-01,'{"sport": 0.0037993044441016165, "food": 0.0018843155835228608, "weather": 0.9943163799723755}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1795721390.0569,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(24,'p18','similarity',1,'similarity','sport',0.825091593293467,'{"sport": 0.825091593293467, "food": 0.02937401443873776, "weather": 0.14553439226779513}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005690360074e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(25,'p19','similarity',1,'similarity','food',9.99433114118151944005e-01,'{"sport": 0.00036847808980929584, "food": 0.9994331141181519, "weather": 0.00019840779203876522}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005690789223e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(26,'p20','similarity',1,'similarity','weather',9.99299241937221860432e-01,'{"sport": 0.00037820180446724173, "food": 0.00032255625831075884, "weather": 0.9992992419372219}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005691218372e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(27,'p21','similarity',1,'similarity','sport',9.75034684888116287559e-01,'{"sport": 0.9750346848881163, "food": 0.012488097303768838, "weather": 0.012477217808114895}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.7957213900569162369e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(28,'p22','similarity',1,'similarity','food',0.982903866488828,'{"sport": 0.0033430938159399715, "food": 0.982903866488828, "weather": 0.013753039695232113}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1795721390.05692,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(29,'p23','similarity',1,'similarity','weather',0.975987280378071,'{"sport": 0.01811392096762949, "food": 0.005898798654299453, "weather": 0.975987280378071}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005692410474e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(30,'p24','similarity',1,'similarity','sport',9.8675513865096409205e-01,'{"sport": 0.9867551386509641, "food": 0.004309983623845729, "weather": 0.0089348777251902}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.7957213900569279194e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(31,'p25','similarity',1,'similarity','food',9.81866090555440940157e-01,'{"sport": 0.0007073768803369657, "food": 0.9818660905554409, "weather": 0.01742653256422196}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005693364138e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(32,'p27','similarity',1,'similarity','sport',7.88780959125478409177e-01,'{"sport": 0.7887809591254784, "food": 0.10024936371678639, "weather": 0.11096967715773517}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005693745617e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(33,'p28','similarity',1,'similarity','food',9.53675031551082574843e-01,'{"sport": 0.00378913237422197, "food": 0.9536750315510826, "weather": 0.04253583607469537}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005694127083e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(34,'p29','similarity',1,'similarity','weather',9.93927693433461656447e-01,'{"sport": 0.0039862147205846354, "food": 0.0020860918459537107, "weather": 0.9939276934334617}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005694484713e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(35,'p30','similarity',1,'similarity','sport',8.38279405071418626249e-01,'{"sport": 0.8382794050714186, "food": 0.03398054861512555, "weather": 0.12774004631345567}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005694842339e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(36,'p31','similarity',1,'similarity','food',9.99701314783606131975e-01,'{"sport": 0.00019425869865718573, "food": 0.9997013147836061, "weather": 0.00010442651773674011}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005695223805e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(37,'p32','similarity',1,'similarity','weather',9.99024095098196340813e-01,'{"sport": 0.0005182963071666421, "food": 0.00045760859463708434, "weather": 0.9990240950981963}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.7957213900569558144e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(38,'p33','similarity',1,'similarity','sport',9.81150803245122604678e-01,'{"sport": 0.9811508032451226, "food": 0.008994609363108206, "weather": 0.009854587391769308}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005695915222e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(39,'p34','similarity',1,'similarity','food',9.80864938900712135527e-01,'{"sport": 0.0027155579140376515, "food": 0.9808649389007121, "weather": 0.01641950318525028}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005696272849e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(40,'p35','similarity',1,'similarity','weather',9.7553388079258229748e-01,'{"sport": 0.018825104933760637, "food": 0.005641014273657093, "weather": 0.9755338807925823}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005696630479e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(41,'p38','similarity',1,'similarity','weather',9.99905551278268411863e-01,'{"sport": 6.455689064593105e-05, "food": 2.9891831085522066e-05, "weather": 0.9999055512782684}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005697226522e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(42,'p39','similarity',1,'similarity','sport',8.06068359254729527307e-01,'{"sport": 0.8060683592547295, "food": 0.09091403199647909, "weather": 0.10301760874879125}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005697798729e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(43,'p40','similarity',1,'similarity','food',9.33139797077051746931e-01,'{"sport": 0.006365220979802543, "food": 0.9331397970770517, "weather": 0.06049498194314558}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005698180195e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(44,'p41','similarity',1,'similarity','weather',9.94772209970647525167e-01,'{"sport": 0.0037574004307936093, "food": 0.001470389598558997, "weather": 0.9947722099706475}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005698561673e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(45,'p42','similarity',1,'similarity','sport',8.47524350248784585915e-01,'{"sport": 0.8475243502487846, "food": 0.01973032647444659, "weather": 0.1327453232767687}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.795721390056989193e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(46,'p43','similarity',1,'similarity','food',9.99452820830373345195e-01,'{"sport": 0.00038739478311423416, "food": 0.9994528208303733, "weather": 0.0001597843865124724}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005699276921e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(47,'p44','similarity',1,'similarity','weather',9.99292804124745859262e-01,'{"sport": 0.000347255692732297, "food": 0.00035994018252190514, "weather": 0.9992928041247459}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005699634556e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(48,'p45','similarity',1,'similarity','sport',9.8289975193503376083e-01,'{"sport": 0.9828997519350338, "food": 0.00743911460250093, "weather": 0.009661133462465105}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005700016022e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(49,'p46','similarity',1,'similarity','food',9.86408467294331847696e-01,'{"sport": 0.0018156217067805546, "food": 0.9864084672943318, "weather": 0.011775910998887522}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005700373648e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(50,'p48','similarity',1,'similarity','sport',9.90304855669192241052e-01,'{"sport": 0.9903048556691922, "food": 0.0032381892530881796, "weather": 0.006456955077719698}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005700755123e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(51,'p49','similarity',1,'similarity','food',9.81775415419430252939e-01,'{"sport": 0.0008643888192357617, "food": 0.9817754154194303, "weather": 0.017360195761333904}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005701088905e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(52,'p50','similarity',1,'similarity','weather',9.99925298244178417661e-01,'{"sport": 3.852676261054838e-05, "food": 3.617499321092367e-05, "weather": 0.9999252982441784}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005701637273e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(53,'p51','similarity',1,'similarity','sport',8.3477273942729823819e-01,'{"sport": 0.8347727394272982, "food": 0.08739246402872791, "weather": 0.07783479654397406}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1795721390.05702,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(54,'p52','similarity',1,'similarity','food',0.949336164802403,'{"sport": 0.004853048419527323, "food": 0.949336164802403, "weather": 0.04581078677806966}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005702376361e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(55,'p53','similarity',1,'similarity','weather',9.92302328787309062541e-01,'{"sport": 0.005457595445701525, "food": 0.0022400757669893646, "weather": 0.9923023287873091}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005702734e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(56,'p54','similarity',1,'similarity','sport',8.71191681468178602543e-01,'{"sport": 0.8711916814681786, "food": 0.01838878532752562, "weather": 0.11041953320429583}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005703091622e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(57,'p55','similarity',1,'similarity','food',9.99538079449778793517e-01,'{"sport": 0.00028676954215199965, "food": 0.9995380794497788, "weather": 0.0001751510080693098}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005703449244e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(58,'p56','similarity',1,'similarity','weather',9.99328022233649471139e-01,'{"sport": 0.0002739025890761706, "food": 0.00039807517727443364, "weather": 0.9993280222336495}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005703806883e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(59,'p57','similarity',1,'similarity','sport',9.83527213070747419187e-01,'{"sport": 0.9835272130707474, "food": 0.00601930136983576, "weather": 0.01045348555941677}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005704188349e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(60,'p58','similarity',1,'similarity','food',9.89228206611177496299e-01,'{"sport": 0.0014764621001958275, "food": 0.9892282066111775, "weather": 0.009295331288626713}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005704760556e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(61,'p59','similarity',1,'similarity','weather',9.74483947691276886082e-01,'{"sport": 0.018303169836755548, "food": 0.007212882471967495, "weather": 0.9744839476912769}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005705142021e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(62,'p60','similarity',1,'similarity','sport',9.87501594946197602808e-01,'{"sport": 0.9875015949461976, "food": 0.005746356684831395, "weather": 0.0067520483689709945}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005705642697e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(63,'p61','similarity',1,'similarity','food',0.988236686542673,'{"sport": 0.0005805022619868794, "food": 0.988236686542673, "weather": 0.011182811195340276}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1795721390.05706,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(64,'p62','similarity',1,'similarity','weather',9.99859680218501467585e-01,'{"sport": 6.790257016676169e-05, "food": 7.24172113316238e-05, "weather": 0.9998596802185015}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005706357954e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(65,'p63','similarity',1,'similarity','sport',8.17525824500258679883e-01,'{"sport": 0.8175258245002587, "food": 0.10062421260571809, "weather": 0.08184996289402324}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.7957213900570671558e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(66,'p64','similarity',1,'similarity','food',9.50257297732051475769e-01,'{"sport": 0.004524532072418997, "food": 0.9502572977320515, "weather": 0.04521817019552961}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005707049372e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(67,'p65','similarity',1,'similarity','weather',9.95685412158213933864e-01,'{"sport": 0.002663838499943318, "food": 0.0016507493418426152, "weather": 0.9956854121582139}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005707383154e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(68,'p66','similarity',1,'similarity','sport',8.36654884619514538357e-01,'{"sport": 0.8366548846195145, "food": 0.030733175107355317, "weather": 0.13261194027313014}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005707740776e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(69,'p67','similarity',1,'similarity','food',9.99685231393620088446e-01,'{"sport": 0.00018672304519743894, "food": 0.9996852313936201, "weather": 0.00012804556118231353}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005708074572e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(70,'p68','similarity',1,'similarity','weather',9.99152776731022651546e-01,'{"sport": 0.00029222072946197394, "food": 0.000555002539515356, "weather": 0.9991527767310227}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005708432193e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(71,'p69','similarity',1,'similarity','sport',9.82391471552622186358e-01,'{"sport": 0.9823914715526222, "food": 0.0077805887513487295, "weather": 0.0098279396960292}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005708837512e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(72,'p70','similarity',1,'similarity','food',9.91266367367602874161e-01,'{"sport": 0.0009975797215041543, "food": 0.9912663673676029, "weather": 0.00773605291089308}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005709195138e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(73,'p71','similarity',1,'similarity','weather',9.71914006634564398012e-01,'{"sport": 0.020569358896563552, "food": 0.007516634468871972, "weather": 0.9719140066345644}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005710744853e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(74,'p72','similarity',1,'similarity','sport',9.89361314322655394093e-01,'{"sport": 0.9893613143226554, "food": 0.004727449889179342, "weather": 0.005911235788165498}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005711317065e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(75,'p73','similarity',1,'similarity','food',9.88823165926838720807e-01,'{"sport": 0.0005416120776155277, "food": 0.9888231659268387, "weather": 0.01063522199554569}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005711674687e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(76,'p74','similarity',1,'similarity','weather',9.998522896232403534e-01,'{"sport": 6.15867914368507e-05, "food": 8.612358532279018e-05, "weather": 0.9998522896232404}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005712199215e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(77,'p75','similarity',1,'similarity','sport',7.44696758568503147657e-01,'{"sport": 0.7446967585685031, "food": 0.153631335236067, "weather": 0.10167190619542994}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005712556837e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(78,'p77','similarity',1,'similarity','weather',9.92165813645344507598e-01,'{"sport": 0.00492173421353396, "food": 0.0029124521411215162, "weather": 0.9921658136453445}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005712914472e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(79,'p78','similarity',1,'similarity','sport',8.23215488010954787867e-01,'{"sport": 0.8232154880109548, "food": 0.04279170280980473, "weather": 0.1339928091792405}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005713295937e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(80,'p79','similarity',1,'similarity','food',9.99659243497854177462e-01,'{"sport": 0.0002277172347035452, "food": 0.9996592434978542, "weather": 0.00011303926744218544}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.7957213900571362972e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(81,'p80','similarity',1,'similarity','weather',9.98806356483966206738e-01,'{"sport": 0.0005345628479728206, "food": 0.0006590806680609309, "weather": 0.9988063564839662}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005713987355e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(82,'p81','similarity',1,'similarity','sport',9.83084417714807479171e-01,'{"sport": 0.9830844177148075, "food": 0.008817831519788084, "weather": 0.008097750765404478}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005714321137e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(83,'p82','similarity',1,'similarity','food',9.89057628923891485328e-01,'{"sport": 0.0015332542798396807, "food": 0.9890576289238915, "weather": 0.009409116796268801}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005714869492e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(84,'p83','similarity',1,'similarity','weather',9.69242149665956453929e-01,'{"sport": 0.021400359569417368, "food": 0.009357490764626162, "weather": 0.9692421496659565}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005715227131e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(85,'p84','similarity',1,'similarity','sport',9.87470001352279136419e-01,'{"sport": 0.9874700013522791, "food": 0.0065062265974441275, "weather": 0.0060237720502765765}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005715584753e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(86,'p85','similarity',1,'similarity','food',9.87947862229250572951e-01,'{"sport": 0.0006567432660713746, "food": 0.9879478622292506, "weather": 0.011395394504678016}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005715918536e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(87,'p86','similarity',1,'similarity','weather',9.99867219741289225964e-01,'{"sport": 5.926527884894615e-05, "food": 7.351497986185878e-05, "weather": 0.9998672197412892}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005716252327e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(88,'p87','similarity',1,'similarity','sport',7.67437369362067633993e-01,'{"sport": 0.7674373693620676, "food": 0.13782725624769954, "weather": 0.09473537439023286}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005716609953e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(89,'p88','similarity',1,'similarity','food',9.64842812893910495297e-01,'{"sport": 0.002619007519228424, "food": 0.9648428128939105, "weather": 0.03253817958686107}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005716943736e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(90,'p89','similarity',1,'similarity','weather',9.9183023839540629396e-01,'{"sport": 0.005186257197954633, "food": 0.0029835044066390875, "weather": 0.9918302383954063}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572139005717277531e+09,0,0,0,0,5.17266785696587479657e-05,0.0,0);
INSERT INTO "annotations" VALUES(91,'p75','human',2,'human','sport',NULL,NULL,1,'accepted',NULL,'{"simulated": true}','[]',1.79572139016711306569e+09,0,0,0,0,0.0,0.0,1);
INSERT INTO "annotations" VALUES(92,'p15','human',2,'human','sport',NULL,NULL,1,'accepted',NULL,'{"simulated": true}','[]',1.79572139016711831093e+09,0,0,0,0,0.0,0.0,1);
INSERT INTO "annotations" VALUES(93,'p87','human',2,'human','sport',NULL,NULL,1,'accepted',NULL,'{"simulated": true}','[]',1.79572139016712164875e+09,0,0,0,0,0.0,0.0,1);
INSERT INTO "annotations" VALUES(94,'p27','human',2,'human','sport',NULL,NULL,1,'accepted',NULL,'{"simulated": true}','[]',1.79572139016712427144e+09,0,0,0,0,0.0,0.0,1);
INSERT INTO "annotations" VALUES(95,'p18','human',2,'human','sport',NULL,NULL,1,'accepted',NULL,'{"simulated": true}','[]',1.79572139016712713243e+09,0,0,0,0,0.0,0.0,1);
INSERT INTO "annotations" VALUES(96,'p78','human',2,'human','sport',NULL,NULL,1,'accepted',NULL,'{"simulated": true}','[]',1795721390.16713,0,0,0,0,0.0,0.0,1);
INSERT INTO "annotations" VALUES(97,'p6','human',3,'human','sport',NULL,NULL,1,'accepted',NULL,'{"simulated": true}','[]',1.79572139048784399032e+09,0,0,0,0,0.0,0.0,1);
INSERT INTO "annotations" VALUES(98,'p39','human',3,'human','sport',NULL,NULL,1,'accepted',NULL,'{"simulated": true}','[]',1.79572139048784828185e+09,0,0,0,0,0.0,0.0,1);
INSERT INTO "annotations" VALUES(99,'p66','human',3,'human','sport',NULL,NULL,1,'accepted',NULL,'{"simulated": true}','[]',1.79572139048785090441e+09,0,0,0,0,0.0,0.0,1);
INSERT INTO "annotations" VALUES(100,'p30','human',3,'human','sport',NULL,NULL,1,'accepted',NULL,'{"simulated": true}','[]',1.79572139048785400393e+09,0,0,0,0,0.0,0.0,1);
INSERT INTO "annotations" VALUES(101,'p42','human',3,'human','sport',NULL,NULL,1,'accepted',NULL,'{"simulated": true}','[]',1.79572139048785686492e+09,0,0,0,0,0.0,0.0,1);
INSERT INTO "annotations" VALUES(102,'p63','human',3,'human','sport',NULL,NULL,1,'accepted',NULL,'{"simulated": true}','[]',1.79572139048786020274e+09,0,0,0,0,0.0,0.0,1);
CREATE TABLE events (
	id INTEGER NOT NULL, 
	time DOUBLE NOT NULL, 
	kind TEXT NOT NULL, 
	message TEXT NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "events" VALUES(1,1.79572138949646902079e+09,'plan','at most 90 items are picked; people give at most 18 labels; it costs no money; held down by the budget of 18 human labels','{"items": 90, "human_labels": 18, "requests": 0, "tokens": 0, "money": 0.0, "counted": 90, "estimated": false, "limited_by": ["the budget of 18 human labels"], "prompt": null, "candidates": [], "parts": {}}');
INSERT INTO "events" VALUES(2,1.79572139011631655694e+09,'warning','no language model is used: the labels of annotator ''similarity'' come from the similarity of texts and label descriptions','{}');
INSERT INTO "events" VALUES(3,1.79572139082016801834e+09,'stopped','the budget of 18 human labels is spent','{"status": "finished"}');
CREATE TABLE identity (
	field TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (field)
);
INSERT INTO "identity" VALUES('task','04886c20e0f2b615');
INSERT INTO "identity" VALUES('pool','91ced15560b86362b2fd921aaaaff7c0');
INSERT INTO "identity" VALUES('objective','labels');
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
INSERT INTO "picks" VALUES(0,0,'p36',2.52747252747252737492e-01,'most typical of cluster 4 (23 items, 0 labelled)');
INSERT INTO "picks" VALUES(0,1,'p37',2.41758241758241759766e-01,'most typical of cluster 2 (22 items, 0 labelled)');
INSERT INTO "picks" VALUES(0,2,'p47',1.64835164835164832419e-01,'most typical of cluster 0 (15 items, 0 labelled)');
INSERT INTO "picks" VALUES(0,3,'p26',1.64835164835164832419e-01,'most typical of cluster 3 (15 items, 0 labelled)');
INSERT INTO "picks" VALUES(0,4,'p76',8.79120879120879189505e-02,'most typical of cluster 5 (8 items, 0 labelled)');
INSERT INTO "picks" VALUES(0,5,'p9',7.6923076923076927347e-02,'most typical of cluster 1 (7 items, 0 labelled)');
INSERT INTO "picks" VALUES(2,0,'p75',4.0893459320068359375e-01,'margin 0.591');
INSERT INTO "picks" VALUES(2,1,'p15',3.881130218505859375e-01,'margin 0.612');
INSERT INTO "picks" VALUES(2,2,'p87',3.70389878749847412109e-01,'margin 0.630');
INSERT INTO "picks" VALUES(2,3,'p27',3.22188675403594970703e-01,'margin 0.678');
INSERT INTO "picks" VALUES(2,4,'p18',0.320442795753479,'margin 0.680');
INSERT INTO "picks" VALUES(2,5,'p78',3.10777306556701660156e-01,'margin 0.689');
INSERT INTO "picks" VALUES(3,0,'p6',3.04892301559448242187e-01,'margin 0.695');
INSERT INTO "picks" VALUES(3,1,'p39',2.96949267387390136718e-01,'margin 0.703');
INSERT INTO "picks" VALUES(3,2,'p66',2.95957028865814208984e-01,'margin 0.704');
INSERT INTO "picks" VALUES(3,3,'p30',2.89460599422454833984e-01,'margin 0.711');
INSERT INTO "picks" VALUES(3,4,'p42',2.85220980644226074218e-01,'margin 0.715');
INSERT INTO "picks" VALUES(3,5,'p63',2.83098399639129638671e-01,'margin 0.717');
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
INSERT INTO "round_ends" VALUES(0,1.79572139001768779752e+09,'{"labelled": 6, "synthetic": 0, "accuracy": 1.0, "macro_f1": 1.0, "nll": 0.30195840263985596, "test_items": 30, "mean_entropy": 0.591837638737471, "agreement": null, "human_labels": 6, "tokens": 0, "money": 0.0, "seconds": 0.08839579999994385}');
INSERT INTO "round_ends" VALUES(1,1.79572139010436129576e+09,'{"labelled": 28, "synthetic": 0, "accuracy": 1.0, "macro_f1": 1.0, "nll": 0.22751597946343, "test_items": 30, "mean_entropy": 0.37031250045320807, "agreement": 0.9166666666666666, "human_labels": 6, "tokens": 0, "money": 0.0, "seconds": 0.059344722000332695}');
INSERT INTO "round_ends" VALUES(2,1.79572139045155858986e+09,'{"labelled": 34, "synthetic": 0, "accuracy": 1.0, "macro_f1": 1.0, "nll": 0.026898863356691116, "test_items": 30, "mean_entropy": 0.0806545313149553, "agreement": 0.9166666666666666, "human_labels": 12, "tokens": 0, "money": 0.0, "seconds": 0.28659263999998075}');
INSERT INTO "round_ends" VALUES(3,1.79572139079823255534e+09,'{"labelled": 40, "synthetic": 0, "accuracy": 1.0, "macro_f1": 1.0, "nll": 0.04176397855297451, "test_items": 30, "mean_entropy": 0.11862718358621575, "agreement": 1.0, "human_labels": 18, "tokens": 0, "money": 0.0, "seconds": 0.3172303159999501}');
CREATE TABLE rounds (
	number INTEGER NOT NULL, 
	phase TEXT NOT NULL, 
	selector TEXT NOT NULL, 
	started DOUBLE NOT NULL, 
	PRIMARY KEY (number)
);
INSERT INTO "rounds" VALUES(0,'start','typiclust',1795721389.91061);
INSERT INTO "rounds" VALUES(1,'sweep','all',1.79572139003273057939e+09);
INSERT INTO "rounds" VALUES(2,'query','margin',1.79572139015361762048e+09);
INSERT INTO "rounds" VALUES(3,'query','margin',1.79572139046554231636e+09);
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
