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
INSERT INTO "annotations" VALUES(1,'p36','similarity',0,'similarity','sport',9.91990313851827343327e-01,'{"sport": 0.9919903138518273, "food": 0.002897227949031912, "weather": 0.0051124581991408595}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134564045023923e+09,0,0,0,0,1.63208916668130155254e-03,0.0,0);
INSERT INTO "annotations" VALUES(2,'p37','similarity',0,'similarity','food',0.986838552208741,'{"sport": 0.0007367992458452327, "food": 0.986838552208741, "weather": 0.012424648545413914}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134564045619961e+09,0,0,0,0,1.63208916668130155254e-03,0.0,0);
INSERT INTO "annotations" VALUES(3,'p47','similarity',0,'similarity','weather',9.77929983664089896855e-01,'{"sport": 0.01593051947025093, "food": 0.006139496865659242, "weather": 0.9779299836640899}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134564046096806e+09,0,0,0,0,1.63208916668130155254e-03,0.0,0);
INSERT INTO "annotations" VALUES(4,'p26','similarity',0,'similarity','weather',9.99836460639009882989e-01,'{"sport": 6.663767667808025e-05, "food": 9.690168431201154e-05, "weather": 0.9998364606390099}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134564046478272e+09,0,0,0,0,1.63208916668130155254e-03,0.0,0);
INSERT INTO "annotations" VALUES(5,'p76','similarity',0,'similarity','food',9.57970532214972858575e-01,'{"sport": 0.00263351796151719, "food": 0.9579705322149729, "weather": 0.03939594982350998}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134564046859738e+09,0,0,0,0,1.63208916668130155254e-03,0.0,0);
INSERT INTO "annotations" VALUES(6,'p9','similarity',0,'similarity','sport',9.8495975582879324861e-01,'{"sport": 0.9849597558287932, "food": 0.0076036003162630395, "weather": 0.007436643854943754}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134564047265056e+09,0,0,0,0,1.63208916668130155254e-03,0.0,0);
INSERT INTO "annotations" VALUES(7,'p76','human',0,'human','food',NULL,NULL,1,'accepted',NULL,'{"simulated": true}','[]',1.795721345657725811e+09,0,0,0,0,0.0,0.5,1);
INSERT INTO "annotations" VALUES(8,'p80','similarity',1,'similarity','weather',9.98806356483966206738e-01,'{"sport": 0.0005345628479728206, "food": 0.0006590806680609309, "weather": 0.9988063564839662}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134577023530006e+09,0,0,0,0,6.79914999939986304218e-05,0.0,0);
INSERT INTO "annotations" VALUES(9,'p8','similarity',1,'similarity','weather',9.98931999600701336916e-01,'{"sport": 0.000357146893294313, "food": 0.0007108535060042165, "weather": 0.9989319996007013}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134577024054534e+09,0,0,0,0,6.79914999939986304218e-05,0.0,0);
INSERT INTO "annotations" VALUES(10,'p68','similarity',1,'similarity','weather',9.99152776731022651546e-01,'{"sport": 0.00029222072946197394, "food": 0.000555002539515356, "weather": 0.9991527767310227}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134577024436e+09,0,0,0,0,6.79914999939986304218e-05,0.0,0);
INSERT INTO "annotations" VALUES(11,'p39','similarity',1,'similarity','sport',8.06068359254729527307e-01,'{"sport": 0.8060683592547295, "food": 0.09091403199647909, "weather": 0.10301760874879125}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134577024817465e+09,0,0,0,0,6.79914999939986304218e-05,0.0,0);
INSERT INTO "annotations" VALUES(12,'p27','similarity',1,'similarity','sport',7.88780959125478409177e-01,'{"sport": 0.7887809591254784, "food": 0.10024936371678639, "weather": 0.11096967715773517}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134577025222784e+09,0,0,0,0,6.79914999939986304218e-05,0.0,0);
INSERT INTO "annotations" VALUES(13,'p75','similarity',1,'similarity','sport',7.44696758568503147657e-01,'{"sport": 0.7446967585685031, "food": 0.153631335236067, "weather": 0.10167190619542994}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134577025580405e+09,0,0,0,0,6.79914999939986304218e-05,0.0,0);
INSERT INTO "annotations" VALUES(14,'p39','human',1,'human','sport',NULL,NULL,1,'accepted',NULL,'{"simulated": true}','[]',1.79572134579014015204e+09,0,0,0,0,0.0,0.5,1);
INSERT INTO "annotations" VALUES(15,'p27','human',1,'human','sport',NULL,NULL,1,'accepted',NULL,'{"simulated": true}','[]',1.79572134579014444349e+09,0,0,0,0,0.0,0.5,1);
INSERT INTO "annotations" VALUES(16,'p75','human',1,'human','sport',NULL,NULL,1,'accepted',NULL,'{"simulated": true}','[]',1.79572134579014754292e+09,0,0,0,0,0.0,0.5,1);
INSERT INTO "annotations" VALUES(17,'p22','similarity',2,'similarity','food',0.982903866488828,'{"sport": 0.0033430938159399715, "food": 0.982903866488828, "weather": 0.013753039695232113}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134585475516317e+09,0,0,0,0,8.647900002263970997e-05,0.0,0);
INSERT INTO "annotations" VALUES(18,'p34','similarity',2,'similarity','food',9.80864938900712135527e-01,'{"sport": 0.0027155579140376515, "food": 0.9808649389007121, "weather": 0.01641950318525028}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134585476255418e+09,0,0,0,0,8.647900002263970997e-05,0.0,0);
INSERT INTO "annotations" VALUES(19,'p82','similarity',2,'similarity','food',9.89057628923891485328e-01,'{"sport": 0.0015332542798396807, "food": 0.9890576289238915, "weather": 0.009409116796268801}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134585476875299e+09,0,0,0,0,8.647900002263970997e-05,0.0,0);
INSERT INTO "annotations" VALUES(20,'p10','similarity',2,'similarity','food',9.87059903047543651943e-01,'{"sport": 0.001760412303935549, "food": 0.9870599030475437, "weather": 0.011179684648520904}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134585477399823e+09,0,0,0,0,8.647900002263970997e-05,0.0,0);
INSERT INTO "annotations" VALUES(21,'p70','similarity',2,'similarity','food',9.91266367367602874161e-01,'{"sport": 0.0009975797215041543, "food": 0.9912663673676029, "weather": 0.00773605291089308}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134585477972035e+09,0,0,0,0,8.647900002263970997e-05,0.0,0);
INSERT INTO "annotations" VALUES(22,'p19','similarity',2,'similarity','food',9.99433114118151944005e-01,'{"sport": 0.00036847808980929584, "food": 0.9994331141181519, "weather": 0.00019840779203876522}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134585478544233e+09,0,0,0,0,8.647900002263970997e-05,0.0,0);
INSERT INTO "annotations" VALUES(23,'p77','similarity',3,'similarity','weather',9.92165813645344507598e-01,'{"sport": 0.00492173421353396, "food": 0.0029124521411215162, "weather": 0.9921658136453445}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134592204594614e+09,0,0,0,0,6.86190000275625349183e-05,0.0,0);
INSERT INTO "annotations" VALUES(24,'p78','similarity',3,'similarity','sport',8.23215488010954787867e-01,'{"sport": 0.8232154880109548, "food": 0.04279170280980473, "weather": 0.1339928091792405}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134592205023763e+09,0,0,0,0,6.86190000275625349183e-05,0.0,0);
INSERT INTO "annotations" VALUES(25,'p17','similarity',3,'similarity','weather',9.94316379972375541385e-01,'{"sport": 0.0037993044441016165, "food": 0.0018843155835228608, "weather": 0.9943163799723755}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134592205429081e+09,0,0,0,0,6.86190000275625349183e-05,0.0,0);
INSERT INTO "annotations" VALUES(26,'p42','similarity',3,'similarity','sport',8.47524350248784585915e-01,'{"sport": 0.8475243502487846, "food": 0.01973032647444659, "weather": 0.1327453232767687}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134592205786707e+09,0,0,0,0,6.86190000275625349183e-05,0.0,0);
INSERT INTO "annotations" VALUES(27,'p30','similarity',3,'similarity','sport',8.38279405071418626249e-01,'{"sport": 0.8382794050714186, "food": 0.03398054861512555, "weather": 0.12774004631345567}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134592206168173e+09,0,0,0,0,6.86190000275625349183e-05,0.0,0);
INSERT INTO "annotations" VALUES(28,'p41','similarity',3,'similarity','weather',9.94772209970647525167e-01,'{"sport": 0.0037574004307936093, "food": 0.001470389598558997, "weather": 0.9947722099706475}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134592206549648e+09,0,0,0,0,6.86190000275625349183e-05,0.0,0);
INSERT INTO "annotations" VALUES(29,'p78','human',3,'human','sport',NULL,NULL,1,'accepted',NULL,'{"simulated": true}','[]',1.79572134593469762801e+09,0,0,0,0,0.0,0.5,1);
INSERT INTO "annotations" VALUES(30,'p42','human',3,'human','sport',NULL,NULL,1,'accepted',NULL,'{"simulated": true}','[]',1.79572134593470430366e+09,0,0,0,0,0.0,0.5,1);
INSERT INTO "annotations" VALUES(31,'p30','human',3,'human','sport',NULL,NULL,1,'accepted',NULL,'{"simulated": true}','[]',1.79572134593470788006e+09,0,0,0,0,0.0,0.5,1);
INSERT INTO "annotations" VALUES(32,'p4','similarity',4,'similarity','food',9.38963834877364122988e-01,'{"sport": 0.00450206562695789, "food": 0.9389638348773641, "weather": 0.05653409949567801}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.7957213460065135956e+09,0,0,0,0,6.95603333345692e-05,0.0,0);
INSERT INTO "annotations" VALUES(33,'p88','similarity',4,'similarity','food',9.64842812893910495297e-01,'{"sport": 0.002619007519228424, "food": 0.9648428128939105, "weather": 0.03253817958686107}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134600651860236e+09,0,0,0,0,6.95603333345692e-05,0.0,0);
INSERT INTO "annotations" VALUES(34,'p40','similarity',4,'similarity','food',9.33139797077051746931e-01,'{"sport": 0.006365220979802543, "food": 0.9331397970770517, "weather": 0.06049498194314558}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.7957213460065238476e+09,0,0,0,0,6.95603333345692e-05,0.0,0);
INSERT INTO "annotations" VALUES(35,'p28','similarity',4,'similarity','food',9.53675031551082574843e-01,'{"sport": 0.00378913237422197, "food": 0.9536750315510826, "weather": 0.04253583607469537}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134600653433803e+09,0,0,0,0,6.95603333345692e-05,0.0,0);
INSERT INTO "annotations" VALUES(36,'p16','similarity',4,'similarity','food',9.57587616912860428719e-01,'{"sport": 0.002618255058017335, "food": 0.9575876169128604, "weather": 0.039794128029122244}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1795721346.00654,0,0,0,0,6.95603333345692e-05,0.0,0);
INSERT INTO "annotations" VALUES(37,'p52','similarity',4,'similarity','food',0.949336164802403,'{"sport": 0.004853048419527323, "food": 0.949336164802403, "weather": 0.04581078677806966}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134600654649732e+09,0,0,0,0,6.95603333345692e-05,0.0,0);
INSERT INTO "annotations" VALUES(38,'p4','human',4,'human','food',NULL,NULL,1,'accepted',NULL,'{"simulated": true}','[]',1.79572134602181816102e+09,0,0,0,0,0.0,0.5,1);
INSERT INTO "annotations" VALUES(39,'p88','human',4,'human','food',NULL,NULL,1,'accepted',NULL,'{"simulated": true}','[]',1.79572134602182221412e+09,0,0,0,0,0.0,0.5,1);
INSERT INTO "annotations" VALUES(40,'p40','human',4,'human','food',NULL,NULL,1,'accepted',NULL,'{"simulated": true}','[]',1.79572134602182507511e+09,0,0,0,0,0.0,0.5,1);
INSERT INTO "annotations" VALUES(41,'p28','human',4,'human','food',NULL,NULL,1,'accepted',NULL,'{"simulated": true}','[]',1.79572134602182793619e+09,0,0,0,0,0.0,0.5,1);
INSERT INTO "annotations" VALUES(42,'p16','human',4,'human','food',NULL,NULL,1,'accepted',NULL,'{"simulated": true}','[]',1795721346.02183,0,0,0,0,0.0,0.5,1);
INSERT INTO "annotations" VALUES(43,'p52','human',4,'human','food',NULL,NULL,1,'accepted',NULL,'{"simulated": true}','[]',1.79572134602183318139e+09,0,0,0,0,0.0,0.5,1);
INSERT INTO "annotations" VALUES(44,'p61','similarity',5,'similarity','food',0.988236686542673,'{"sport": 0.0005805022619868794, "food": 0.988236686542673, "weather": 0.011182811195340276}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134625047087671e+09,0,0,0,0,6.77628333960456075146e-05,0.0,0);
INSERT INTO "annotations" VALUES(45,'p13','similarity',5,'similarity','food',9.87354772315037099161e-01,'{"sport": 0.0004442993123780398, "food": 0.9873547723150371, "weather": 0.012200928372584734}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134625047588347e+09,0,0,0,0,6.77628333960456075146e-05,0.0,0);
INSERT INTO "annotations" VALUES(46,'p73','similarity',5,'similarity','food',9.88823165926838720807e-01,'{"sport": 0.0005416120776155277, "food": 0.9888231659268387, "weather": 0.01063522199554569}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1795721346.25048,0,0,0,0,6.77628333960456075146e-05,0.0,0);
INSERT INTO "annotations" VALUES(47,'p25','similarity',5,'similarity','food',9.81866090555440940157e-01,'{"sport": 0.0007073768803369657, "food": 0.9818660905554409, "weather": 0.01742653256422196}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134625048351287e+09,0,0,0,0,6.77628333960456075146e-05,0.0,0);
INSERT INTO "annotations" VALUES(48,'p1','similarity',5,'similarity','food',0.987236069789527,'{"sport": 0.00070012654685468, "food": 0.987236069789527, "weather": 0.012063803663618169}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134625048685074e+09,0,0,0,0,6.77628333960456075146e-05,0.0,0);
INSERT INTO "annotations" VALUES(49,'p14','similarity',5,'similarity','weather',9.99839819209793478904e-01,'{"sport": 6.279941206390546e-05, "food": 9.73813781425406e-05, "weather": 0.9998398192097935}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134625049042704e+09,0,0,0,0,6.77628333960456075146e-05,0.0,0);
INSERT INTO "annotations" VALUES(50,'p35','similarity',6,'similarity','weather',9.7553388079258229748e-01,'{"sport": 0.018825104933760637, "food": 0.005641014273657093, "weather": 0.9755338807925823}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134650611257549e+09,0,0,0,0,6.41006666531514641667e-05,0.0,0);
INSERT INTO "annotations" VALUES(51,'p83','similarity',6,'similarity','weather',9.69242149665956453929e-01,'{"sport": 0.021400359569417368, "food": 0.009357490764626162, "weather": 0.9692421496659565}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134650611734394e+09,0,0,0,0,6.41006666531514641667e-05,0.0,0);
INSERT INTO "annotations" VALUES(52,'p45','similarity',6,'similarity','sport',9.8289975193503376083e-01,'{"sport": 0.9828997519350338, "food": 0.00743911460250093, "weather": 0.009661133462465105}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.7957213465061209202e+09,0,0,0,0,6.41006666531514641667e-05,0.0,0);
INSERT INTO "annotations" VALUES(53,'p23','similarity',6,'similarity','weather',0.975987280378071,'{"sport": 0.01811392096762949, "food": 0.005898798654299453, "weather": 0.975987280378071}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134650612449642e+09,0,0,0,0,6.41006666531514641667e-05,0.0,0);
INSERT INTO "annotations" VALUES(54,'p59','similarity',6,'similarity','weather',9.74483947691276886082e-01,'{"sport": 0.018303169836755548, "food": 0.007212882471967495, "weather": 0.9744839476912769}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134650612759594e+09,0,0,0,0,6.41006666531514641667e-05,0.0,0);
INSERT INTO "annotations" VALUES(55,'p11','similarity',6,'similarity','weather',0.973332209705368,'{"sport": 0.018246293532984726, "food": 0.008421496761647305, "weather": 0.973332209705368}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.7957213465061314106e+09,0,0,0,0,6.41006666531514641667e-05,0.0,0);
INSERT INTO "annotations" VALUES(56,'p83','human',6,'human','weather',NULL,NULL,1,'accepted',NULL,'{"simulated": true}','[]',1.79572134652168679232e+09,0,0,0,0,0.0,0.5,1);
INSERT INTO "annotations" VALUES(57,'p50','similarity',7,'similarity','weather',9.99925298244178417661e-01,'{"sport": 3.852676261054838e-05, "food": 3.617499321092367e-05, "weather": 0.9999252982441784}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134684222197535e+09,0,0,0,0,6.5659500023684813641e-05,0.0,0);
INSERT INTO "annotations" VALUES(58,'p60','similarity',7,'similarity','sport',9.87501594946197602808e-01,'{"sport": 0.9875015949461976, "food": 0.005746356684831395, "weather": 0.0067520483689709945}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134684222722055e+09,0,0,0,0,6.5659500023684813641e-05,0.0,0);
INSERT INTO "annotations" VALUES(59,'p48','similarity',7,'similarity','sport',9.90304855669192241052e-01,'{"sport": 0.9903048556691922, "food": 0.0032381892530881796, "weather": 0.006456955077719698}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134684223079677e+09,0,0,0,0,6.5659500023684813641e-05,0.0,0);
INSERT INTO "annotations" VALUES(60,'p12','similarity',7,'similarity','sport',9.8453521113354058869e-01,'{"sport": 0.9845352111335406, "food": 0.009044291482965336, "weather": 0.00642049738349408}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134684223437312e+09,0,0,0,0,6.5659500023684813641e-05,0.0,0);
INSERT INTO "annotations" VALUES(61,'p86','similarity',7,'similarity','weather',9.99867219741289225964e-01,'{"sport": 5.926527884894615e-05, "food": 7.351497986185878e-05, "weather": 0.9998672197412892}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134684223818777e+09,0,0,0,0,6.5659500023684813641e-05,0.0,0);
INSERT INTO "annotations" VALUES(62,'p84','similarity',7,'similarity','sport',9.87470001352279136419e-01,'{"sport": 0.9874700013522791, "food": 0.0065062265974441275, "weather": 0.0060237720502765765}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134684224176404e+09,0,0,0,0,6.5659500023684813641e-05,0.0,0);
INSERT INTO "annotations" VALUES(63,'p51','similarity',8,'similarity','sport',8.3477273942729823819e-01,'{"sport": 0.8347727394272982, "food": 0.08739246402872791, "weather": 0.07783479654397406}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134716210246086e+09,0,0,0,0,6.29455000004478930656e-05,0.0,0);
INSERT INTO "annotations" VALUES(64,'p43','similarity',8,'similarity','food',9.99452820830373345195e-01,'{"sport": 0.00038739478311423416, "food": 0.9994528208303733, "weather": 0.0001597843865124724}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134716210746758e+09,0,0,0,0,6.29455000004478930656e-05,0.0,0);
INSERT INTO "annotations" VALUES(65,'p57','similarity',8,'similarity','sport',9.83527213070747419187e-01,'{"sport": 0.9835272130707474, "food": 0.00601930136983576, "weather": 0.01045348555941677}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134716211104397e+09,0,0,0,0,6.29455000004478930656e-05,0.0,0);
INSERT INTO "annotations" VALUES(66,'p69','similarity',8,'similarity','sport',9.82391471552622186358e-01,'{"sport": 0.9823914715526222, "food": 0.0077805887513487295, "weather": 0.0098279396960292}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134716211462019e+09,0,0,0,0,6.29455000004478930656e-05,0.0,0);
INSERT INTO "annotations" VALUES(67,'p21','similarity',8,'similarity','sport',9.75034684888116287559e-01,'{"sport": 0.9750346848881163, "food": 0.012488097303768838, "weather": 0.012477217808114895}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134716211819641e+09,0,0,0,0,6.29455000004478930656e-05,0.0,0);
INSERT INTO "annotations" VALUES(68,'p15','similarity',8,'similarity','sport',7.44721106275173072575e-01,'{"sport": 0.7447211062751731, "food": 0.13283414371933597, "weather": 0.12244475000549095}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.7957213471621220112e+09,0,0,0,0,6.29455000004478930656e-05,0.0,0);
INSERT INTO "annotations" VALUES(69,'p51','human',8,'human','sport',NULL,NULL,1,'accepted',NULL,'{"simulated": true}','[]',1.79572134717717838284e+09,0,0,0,0,0.0,0.5,1);
INSERT INTO "annotations" VALUES(70,'p15','human',8,'human','sport',NULL,NULL,1,'accepted',NULL,'{"simulated": true}','[]',1.79572134717718195915e+09,0,0,0,0,0.0,0.5,1);
INSERT INTO "annotations" VALUES(71,'p32','similarity',9,'similarity','weather',9.99024095098196340813e-01,'{"sport": 0.0005182963071666421, "food": 0.00045760859463708434, "weather": 0.9990240950981963}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134740190386768e+09,0,0,0,0,5.71203333189866172513e-05,0.0,0);
INSERT INTO "annotations" VALUES(72,'p20','similarity',9,'similarity','weather',9.99299241937221860432e-01,'{"sport": 0.00037820180446724173, "food": 0.00032255625831075884, "weather": 0.9992992419372219}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134740190863608e+09,0,0,0,0,5.71203333189866172513e-05,0.0,0);
INSERT INTO "annotations" VALUES(73,'p44','similarity',9,'similarity','weather',9.99292804124745859262e-01,'{"sport": 0.000347255692732297, "food": 0.00035994018252190514, "weather": 0.9992928041247459}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134740191221235e+09,0,0,0,0,5.71203333189866172513e-05,0.0,0);
INSERT INTO "annotations" VALUES(74,'p56','similarity',9,'similarity','weather',9.99328022233649471139e-01,'{"sport": 0.0002739025890761706, "food": 0.00039807517727443364, "weather": 0.9993280222336495}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134740191555026e+09,0,0,0,0,5.71203333189866172513e-05,0.0,0);
INSERT INTO "annotations" VALUES(75,'p5','similarity',9,'similarity','weather',9.94128910663820586357e-01,'{"sport": 0.003491768653064812, "food": 0.0023793206831145427, "weather": 0.9941289106638206}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134740191864969e+09,0,0,0,0,5.71203333189866172513e-05,0.0,0);
INSERT INTO "annotations" VALUES(76,'p53','similarity',9,'similarity','weather',9.92302328787309062541e-01,'{"sport": 0.005457595445701525, "food": 0.0022400757669893646, "weather": 0.9923023287873091}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134740192246435e+09,0,0,0,0,5.71203333189866172513e-05,0.0,0);
INSERT INTO "annotations" VALUES(77,'p55','similarity',10,'similarity','food',9.99538079449778793517e-01,'{"sport": 0.00028676954215199965, "food": 0.9995380794497788, "weather": 0.0001751510080693098}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.7957213476387102604e+09,0,0,0,0,7.65574999756305911739e-05,0.0,0);
INSERT INTO "annotations" VALUES(78,'p67','similarity',10,'similarity','food',9.99685231393620088446e-01,'{"sport": 0.00018672304519743894, "food": 0.9996852313936201, "weather": 0.00012804556118231353}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.7957213476387155056e+09,0,0,0,0,7.65574999756305911739e-05,0.0,0);
INSERT INTO "annotations" VALUES(79,'p7','similarity',10,'similarity','food',9.99601295552680846334e-01,'{"sport": 0.0002484497686659759, "food": 0.9996012955526808, "weather": 0.00015025467865315245}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.7957213476387190819e+09,0,0,0,0,7.65574999756305911739e-05,0.0,0);
INSERT INTO "annotations" VALUES(80,'p79','similarity',10,'similarity','food',9.99659243497854177462e-01,'{"sport": 0.0002277172347035452, "food": 0.9996592434978542, "weather": 0.00011303926744218544}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.795721347638723135e+09,0,0,0,0,7.65574999756305911739e-05,0.0,0);
INSERT INTO "annotations" VALUES(81,'p64','similarity',10,'similarity','food',9.50257297732051475769e-01,'{"sport": 0.004524532072418997, "food": 0.9502572977320515, "weather": 0.04521817019552961}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134763872671122e+09,0,0,0,0,7.65574999756305911739e-05,0.0,0);
INSERT INTO "annotations" VALUES(82,'p74','similarity',10,'similarity','weather',9.998522896232403534e-01,'{"sport": 6.15867914368507e-05, "food": 8.612358532279018e-05, "weather": 0.9998522896232404}',0,'accepted',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.795721347638730526e+09,0,0,0,0,7.65574999756305911739e-05,0.0,0);
INSERT INTO "annotations" VALUES(83,'p64','human',10,'human','food',NULL,NULL,1,'accepted',NULL,'{"simulated": true}','[]',1.7957213476542327404e+09,0,0,0,0,0.0,0.5,1);
INSERT INTO "annotations" VALUES(84,'p87','similarity',11,'similarity','sport',7.67437369362067633993e-01,'{"sport": 0.7674373693620676, "food": 0.13782725624769954, "weather": 0.09473537439023286}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134794364953042e+09,0,0,0,0,8.93531666861235862597e-05,0.0,0);
INSERT INTO "annotations" VALUES(85,'p6','similarity',11,'similarity','sport',8.31614238212216694279e-01,'{"sport": 0.8316142382122167, "food": 0.03187922383083099, "weather": 0.13650653795695236}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134794365429874e+09,0,0,0,0,8.93531666861235862597e-05,0.0,0);
INSERT INTO "annotations" VALUES(86,'p54','similarity',11,'similarity','sport',8.71191681468178602543e-01,'{"sport": 0.8711916814681786, "food": 0.01838878532752562, "weather": 0.11041953320429583}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134794365787513e+09,0,0,0,0,8.93531666861235862597e-05,0.0,0);
INSERT INTO "annotations" VALUES(87,'p3','similarity',11,'similarity','sport',8.31130476842581122909e-01,'{"sport": 0.8311304768425811, "food": 0.09930704193120451, "weather": 0.06956248122621422}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134794366145135e+09,0,0,0,0,8.93531666861235862597e-05,0.0,0);
INSERT INTO "annotations" VALUES(88,'p66','similarity',11,'similarity','sport',8.36654884619514538357e-01,'{"sport": 0.8366548846195145, "food": 0.030733175107355317, "weather": 0.13261194027313014}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134794366526601e+09,0,0,0,0,8.93531666861235862597e-05,0.0,0);
INSERT INTO "annotations" VALUES(89,'p63','similarity',11,'similarity','sport',8.17525824500258679883e-01,'{"sport": 0.8175258245002587, "food": 0.10062421260571809, "weather": 0.08184996289402324}',0,'deferred',NULL,'{"model": "be1d5efe950d8c45", "temperature": 0.05}','[]',1.79572134794366884236e+09,0,0,0,0,8.93531666861235862597e-05,0.0,0);
INSERT INTO "annotations" VALUES(90,'p87','human',11,'human','sport',NULL,NULL,1,'accepted',NULL,'{"simulated": true}','[]',1.79572134794970846181e+09,0,0,0,0,0.0,0.5,1);
CREATE TABLE events (
	id INTEGER NOT NULL, 
	time DOUBLE NOT NULL, 
	kind TEXT NOT NULL, 
	message TEXT NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "events" VALUES(1,1.7957213452397005558e+09,'plan','at most 90 items are picked; people give at most 18 labels; it costs at most 9.00; held down by the budget of 18 human labels','{"items": 90, "human_labels": 18, "requests": 0, "tokens": 0, "money": 9.0, "counted": 90, "estimated": false, "limited_by": ["the budget of 18 human labels"], "prompt": null, "candidates": [], "parts": {}}');
INSERT INTO "events" VALUES(2,1.79572134574016880987e+09,'warning','no language model is used: the labels of annotator ''similarity'' come from the similarity of texts and label descriptions','{}');
INSERT INTO "events" VALUES(3,1.79572134825607275963e+09,'stopped','the budget of 18 human labels is spent','{"status": "finished"}');
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
INSERT INTO "picks" VALUES(0,0,'p36',2.52747252747252737492e-01,'most typical of cluster 4 (23 items, 0 labelled)');
INSERT INTO "picks" VALUES(0,1,'p37',2.41758241758241759766e-01,'most typical of cluster 2 (22 items, 0 labelled)');
INSERT INTO "picks" VALUES(0,2,'p47',1.64835164835164832419e-01,'most typical of cluster 0 (15 items, 0 labelled)');
INSERT INTO "picks" VALUES(0,3,'p26',1.64835164835164832419e-01,'most typical of cluster 3 (15 items, 0 labelled)');
INSERT INTO "picks" VALUES(0,4,'p76',8.79120879120879189505e-02,'most typical of cluster 5 (8 items, 0 labelled)');
INSERT INTO "picks" VALUES(0,5,'p9',7.6923076923076927347e-02,'most typical of cluster 1 (7 items, 0 labelled)');
INSERT INTO "picks" VALUES(1,0,'p80',8.34098696708679199218e-01,'margin 0.166');
INSERT INTO "picks" VALUES(1,1,'p8',7.91260123252868652343e-01,'margin 0.209');
INSERT INTO "picks" VALUES(1,2,'p68',7.60601758956909179687e-01,'margin 0.239');
INSERT INTO "picks" VALUES(1,3,'p39',0.758924663066864,'margin 0.241');
INSERT INTO "picks" VALUES(1,4,'p27',7.53910958766937255859e-01,'margin 0.246');
INSERT INTO "picks" VALUES(1,5,'p75',7.53000617027282714843e-01,'margin 0.247');
INSERT INTO "picks" VALUES(2,0,'p22',8.46246957778930664062e-01,'margin 0.154');
INSERT INTO "picks" VALUES(2,1,'p34',8.26843500137329101562e-01,'margin 0.173');
INSERT INTO "picks" VALUES(2,2,'p82',7.86701083183288574218e-01,'margin 0.213');
INSERT INTO "picks" VALUES(2,3,'p10',0.775643527507782,'margin 0.224');
INSERT INTO "picks" VALUES(2,4,'p70',7.23076403141021728515e-01,'margin 0.277');
INSERT INTO "picks" VALUES(2,5,'p19',7.20922350883483886718e-01,'margin 0.279');
INSERT INTO "picks" VALUES(3,0,'p77',3.36905241012573242187e-01,'margin 0.663');
INSERT INTO "picks" VALUES(3,1,'p78',3.2501888275146484375e-01,'margin 0.675');
INSERT INTO "picks" VALUES(3,2,'p17',3.14581155776977539062e-01,'margin 0.685');
INSERT INTO "picks" VALUES(3,3,'p42',3.05134475231170654296e-01,'margin 0.695');
INSERT INTO "picks" VALUES(3,4,'p30',2.98647463321685791015e-01,'margin 0.701');
INSERT INTO "picks" VALUES(3,5,'p41',2.95738756656646728515e-01,'margin 0.704');
INSERT INTO "picks" VALUES(4,0,'p4',1.39607071876525878906e-01,'margin 0.860');
INSERT INTO "picks" VALUES(4,1,'p88',1.39408648014068603515e-01,'margin 0.861');
INSERT INTO "picks" VALUES(4,2,'p40',0.136469304561615,'margin 0.864');
INSERT INTO "picks" VALUES(4,3,'p28',1.32312655448913574218e-01,'margin 0.868');
INSERT INTO "picks" VALUES(4,4,'p16',1.30926787853240966796e-01,'margin 0.869');
INSERT INTO "picks" VALUES(4,5,'p52',1.3069915771484375e-01,'margin 0.869');
INSERT INTO "picks" VALUES(5,0,'p61',2.51452326774597167968e-02,'margin 0.975');
INSERT INTO "picks" VALUES(5,1,'p13',2.30498909950256347656e-02,'margin 0.977');
INSERT INTO "picks" VALUES(5,2,'p73',2.16802954673767089843e-02,'margin 0.978');
INSERT INTO "picks" VALUES(5,3,'p25',2.15324759483337402343e-02,'margin 0.978');
INSERT INTO "picks" VALUES(5,4,'p1',2.14194059371948242187e-02,'margin 0.979');
INSERT INTO "picks" VALUES(5,5,'p14',1.89810395240783691406e-02,'margin 0.981');
INSERT INTO "picks" VALUES(6,0,'p35',1.99733972549438476562e-02,'margin 0.980');
INSERT INTO "picks" VALUES(6,1,'p83',1.74695849418640136718e-02,'margin 0.983');
INSERT INTO "picks" VALUES(6,2,'p45',1.64920687675476074218e-02,'margin 0.984');
INSERT INTO "picks" VALUES(6,3,'p23',1.63642764091491699218e-02,'margin 0.984');
INSERT INTO "picks" VALUES(6,4,'p59',1.54049396514892578125e-02,'margin 0.985');
INSERT INTO "picks" VALUES(6,5,'p11',1.53118968009948730468e-02,'margin 0.985');
INSERT INTO "picks" VALUES(7,0,'p50',4.41515445709228515625e-03,'margin 0.996');
INSERT INTO "picks" VALUES(7,1,'p60',4.387378692626953125e-03,'margin 0.996');
INSERT INTO "picks" VALUES(7,2,'p48',0.00418013334274292,'margin 0.996');
INSERT INTO "picks" VALUES(7,3,'p12',4.10926342010498046875e-03,'margin 0.996');
INSERT INTO "picks" VALUES(7,4,'p86',3.91691923141479492187e-03,'margin 0.996');
INSERT INTO "picks" VALUES(7,5,'p84',3.64750623703002929687e-03,'margin 0.996');
INSERT INTO "picks" VALUES(8,0,'p51',1.00158452987670898437e-02,'margin 0.990');
INSERT INTO "picks" VALUES(8,1,'p43',9.979724884033203125e-03,'margin 0.990');
INSERT INTO "picks" VALUES(8,2,'p57',0.00986337661743164,'margin 0.990');
INSERT INTO "picks" VALUES(8,3,'p69',0.00963813066482544,'margin 0.990');
INSERT INTO "picks" VALUES(8,4,'p21',9.52917337417602539062e-03,'margin 0.990');
INSERT INTO "picks" VALUES(8,5,'p15',9.46992635726928710937e-03,'margin 0.991');
INSERT INTO "picks" VALUES(9,0,'p32',1.525402069091796875e-02,'margin 0.985');
INSERT INTO "picks" VALUES(9,1,'p20',1.51659250259399414062e-02,'margin 0.985');
INSERT INTO "picks" VALUES(9,2,'p44',1.4694690704345703125e-02,'margin 0.985');
INSERT INTO "picks" VALUES(9,3,'p56',1.36789679527282714843e-02,'margin 0.986');
INSERT INTO "picks" VALUES(9,4,'p5',1.20674371719360351562e-02,'margin 0.988');
INSERT INTO "picks" VALUES(9,5,'p53',1.19568705558776855468e-02,'margin 0.988');
INSERT INTO "picks" VALUES(10,0,'p55',1.08236074447631835937e-02,'margin 0.989');
INSERT INTO "picks" VALUES(10,1,'p67',1.03523135185241699218e-02,'margin 0.990');
INSERT INTO "picks" VALUES(10,2,'p7',1.01367831230163574218e-02,'margin 0.990');
INSERT INTO "picks" VALUES(10,3,'p79',9.85735654830932617187e-03,'margin 0.990');
INSERT INTO "picks" VALUES(10,4,'p64',9.84376668930053710937e-03,'margin 0.990');
INSERT INTO "picks" VALUES(10,5,'p74',9.72020626068115234375e-03,'margin 0.990');
INSERT INTO "picks" VALUES(11,0,'p87',9.93829965591430664062e-03,'margin 0.990');
INSERT INTO "picks" VALUES(11,1,'p6',9.25856828689575195312e-03,'margin 0.991');
INSERT INTO "picks" VALUES(11,2,'p54',0.00907963514328003,'margin 0.991');
INSERT INTO "picks" VALUES(11,3,'p3',9.0005397796630859375e-03,'margin 0.991');
INSERT INTO "picks" VALUES(11,4,'p66',8.98867845535278320312e-03,'margin 0.991');
INSERT INTO "picks" VALUES(11,5,'p63',8.8732242584228515625e-03,'margin 0.991');
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
INSERT INTO "round_ends" VALUES(0,1.79572134572764754295e+09,'{"labelled": 6, "synthetic": 0, "accuracy": 1.0, "macro_f1": 1.0, "nll": 0.30195840263985596, "test_items": 30, "mean_entropy": 0.591837638737471, "agreement": null, "human_labels": 1, "tokens": 0, "money": 0.5, "seconds": 0.09880934300008448}');
INSERT INTO "round_ends" VALUES(1,1.79572134582779669763e+09,'{"labelled": 12, "synthetic": 0, "accuracy": 1.0, "macro_f1": 1.0, "nll": 0.19627474950488946, "test_items": 30, "mean_entropy": 0.4290623624030406, "agreement": 1.0, "human_labels": 4, "tokens": 0, "money": 2.0, "seconds": 0.059321107000414486}');
INSERT INTO "round_ends" VALUES(2,1.79572134589620685573e+09,'{"labelled": 18, "synthetic": 0, "accuracy": 1.0, "macro_f1": 1.0, "nll": 0.12283343990255732, "test_items": 30, "mean_entropy": 0.2925683807950581, "agreement": 1.0, "human_labels": 4, "tokens": 0, "money": 2.0, "seconds": 0.043589131999851816}');
INSERT INTO "round_ends" VALUES(3,1.79572134597554135325e+09,'{"labelled": 24, "synthetic": 0, "accuracy": 1.0, "macro_f1": 1.0, "nll": 0.08291699453679074, "test_items": 30, "mean_entropy": 0.1970054585602012, "agreement": 1.0, "human_labels": 7, "tokens": 0, "money": 3.5, "seconds": 0.05525509200015222}');
INSERT INTO "round_ends" VALUES(4,1.79572134622757458681e+09,'{"labelled": 30, "synthetic": 0, "accuracy": 1.0, "macro_f1": 1.0, "nll": 0.01794633049150445, "test_items": 30, "mean_entropy": 0.0375019599279516, "agreement": 1.0, "human_labels": 13, "tokens": 0, "money": 6.5, "seconds": 0.22293858000011824}');
INSERT INTO "round_ends" VALUES(5,1.79572134647929549213e+09,'{"labelled": 36, "synthetic": 0, "accuracy": 1.0, "macro_f1": 1.0, "nll": 0.01508387980065613, "test_items": 30, "mean_entropy": 0.03184786855646234, "agreement": 1.0, "human_labels": 13, "tokens": 0, "money": 6.5, "seconds": 0.2306783839999298}');
INSERT INTO "round_ends" VALUES(6,1.79572134681153965001e+09,'{"labelled": 42, "synthetic": 0, "accuracy": 1.0, "macro_f1": 1.0, "nll": 0.006284853101283636, "test_items": 30, "mean_entropy": 0.011303828641895058, "agreement": 1.0, "human_labels": 14, "tokens": 0, "money": 7.0, "seconds": 0.30712314099992}');
INSERT INTO "round_ends" VALUES(7,1.79572134713554906844e+09,'{"labelled": 48, "synthetic": 0, "accuracy": 1.0, "macro_f1": 1.0, "nll": 0.01309885626708496, "test_items": 30, "mean_entropy": 0.028497247422564657, "agreement": 1.0, "human_labels": 14, "tokens": 0, "money": 7.0, "seconds": 0.295058876999974}');
INSERT INTO "round_ends" VALUES(8,1.79572134737801671023e+09,'{"labelled": 54, "synthetic": 0, "accuracy": 1.0, "macro_f1": 1.0, "nll": 0.018661633384651957, "test_items": 30, "mean_entropy": 0.04155002847972241, "agreement": 1.0, "human_labels": 16, "tokens": 0, "money": 8.0, "seconds": 0.21752137100020263}');
INSERT INTO "round_ends" VALUES(9,1.79572134761533713344e+09,'{"labelled": 60, "synthetic": 0, "accuracy": 1.0, "macro_f1": 1.0, "nll": 0.016925833500471353, "test_items": 30, "mean_entropy": 0.0384336641328753, "agreement": 1.0, "human_labels": 16, "tokens": 0, "money": 8.0, "seconds": 0.2150290239997048}');
INSERT INTO "round_ends" VALUES(10,1.79572134791519498822e+09,'{"labelled": 66, "synthetic": 0, "accuracy": 1.0, "macro_f1": 1.0, "nll": 0.01594908862374017, "test_items": 30, "mean_entropy": 0.03521602003951394, "agreement": 1.0, "human_labels": 17, "tokens": 0, "money": 8.5, "seconds": 0.27846440600023925}');
INSERT INTO "round_ends" VALUES(11,1.7957213482405917645e+09,'{"labelled": 67, "synthetic": 0, "accuracy": 1.0, "macro_f1": 1.0, "nll": 0.015780710589539688, "test_items": 30, "mean_entropy": 0.03488655087667096, "agreement": 1.0, "human_labels": 18, "tokens": 0, "money": 9.0, "seconds": 0.29939299199986635}');
CREATE TABLE rounds (
	number INTEGER NOT NULL, 
	phase TEXT NOT NULL, 
	selector TEXT NOT NULL, 
	started DOUBLE NOT NULL, 
	PRIMARY KEY (number)
);
INSERT INTO "rounds" VALUES(0,'start','typiclust',1.79572134560964798925e+09);
INSERT INTO "rounds" VALUES(1,'query','margin',1.79572134575978684424e+09);
INSERT INTO "rounds" VALUES(2,'query','margin',1.79572134583499979972e+09);
INSERT INTO "rounds" VALUES(3,'query','margin',1.79572134591214704509e+09);
INSERT INTO "rounds" VALUES(4,'query','margin',1.79572134598719286915e+09);
INSERT INTO "rounds" VALUES(5,'query','margin',1.79572134623509669301e+09);
INSERT INTO "rounds" VALUES(6,'query','margin',1.79572134648739314076e+09);
INSERT INTO "rounds" VALUES(7,'query','margin',1.79572134683122253424e+09);
INSERT INTO "rounds" VALUES(8,'query','margin',1.79572134715586376185e+09);
INSERT INTO "rounds" VALUES(9,'query','margin',1.79572134739550113681e+09);
INSERT INTO "rounds" VALUES(10,'query','margin',1.79572134763189053532e+09);
INSERT INTO "rounds" VALUES(11,'query','margin',1.79572134792655754096e+09);
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
