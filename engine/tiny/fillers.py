"""Words that surround a subject without being it, so that the text model learns to look past them.

The lists are wide rather than clever: what counts is that no context stays unseen in kind, in either language.
"""

# ruff: noqa: E501, SIM905
# fmt: off

from __future__ import annotations

PEOPLE_EN = tuple(
    "my mother,my father,mom,dad,grandma,grandpa,grandfather,my sister,her brother,his wife,our teacher,the baker,"
    "a farmer,the king,the queen,a sailor,my neighbour,my neighbor,the neighbors,my friend,her boyfriend,the kids,children,"
    "a wizard,the doctor,a soldier,the captain,my boss,a student,the artist,a tourist,the chef,an old man,my aunt,uncle,the cousin,"
    "a stranger,the girl,the boy,somebody,someone,everyone,nobody,the mayor,a knight,a princess,the prince,a detective,"
    "my son,the family,the whole team,a poet,a monk,the gardener,a hunter,the coach,people,a crowd,the museum,our village,the city".split(
        ","
    )
)
DOING_EN = tuple(
    "waiting,resting,hiding,looking around,staring,eating,drinking,dreaming,climbing,crossing,leaving,arriving,flying,floating,rolling,"
    "falling,growing,melting,burning,shining,glowing,spinning,leaning,hanging,standing tall,lying,sitting,chasing,carrying,holding,"
    "wearing,pulling,pushing,reading,cooking,singing,laughing,crying,yawning,fighting,hunting,swimming,diving,jumping,gliding,sliding,"
    "turning,opening,breaking,squeezing,chewing,watching,guarding,visiting,exploring,discovering,escaping,racing,travelling,wandering,"
    "learning,working,playing,celebrating,parked,left,lost,found,forgotten,hidden,built,made,painted,drawn,cooked,served,sold,bought,"
    "given,stolen,seen,photographed,covered,surrounded,decorated,lit,kept,stored,placed,dropped,thrown,caught,fresh,ready,alone,asleep".split(
        ","
    )
)
PREPOSITIONS_EN = tuple(
    "in,on,at,by,near,under,over,behind,beside,across,along,through,around,inside,outside,above,below,between,towards,from,for,with,"
    "without,after,before,during,against,into,onto,off,past,of,like,among,beyond,next to,in front of,on top of,at the edge of,"
    "in the middle of,full of,because of,instead of".split(",")
)
THINGS_EN = tuple(
    "curtain,ceiling,corner,table,cupboard,drawer,balcony,roof,gate,fence,path,lane,avenue,alley,square,harbour,harbor,port,dock,"
    "pier,shore,coast,reef,island,valley,canyon,cliff,cave,hill,slope,swamp,marsh,pond,stream,waterfall,glacier,ice,dunes,"
    "savanna,steppe,woods,bush,branch,leaf,root,bark,grass,moss,hay,mud,dust,sand,stone,gravel,clay,metal,glass,paper,silk,"
    "velvet,wool,leather,plastic,marble,copper,iron,steel,smoke,steam,mist,haze,dew,frost,storm,breeze,shade,shadow,light,darkness,"
    "reflection,horizon,dawn,dusk,noon,midnight,morning,evening,afternoon,autumn,fall,season,holiday,weekend,vacation,journey,trip,"
    "adventure,party,parade,festival,ceremony,concert,exhibition,lesson,exam,meeting,dinner,lunch,breakfast,picnic,supper,feast,recipe,"
    "sauce,tale,story,legend,myth,poem,song,movie,game,dream,memory,secret,mystery,problem,idea,gift shop,workshop,studio,garage,attic,"
    "cellar,basement,barn,stable,nest,den,zoo,circus,aquarium,laboratory,library,gallery,cathedral,palace,temple,tower,ruins,village,"
    "town,suburb,capital,country,world,planet,galaxy,universe,space,orbit,battlefield,playground,sandbox,pool,bath,sink,stove,oven,"
    "fridge,plate,tray,dish,jar,bottle,crate,barrel,pocket,suitcase,poster,postcard,magazine,cover,album,banner,wallpaper,"
    "website,avatar,profile,logo,brand,product,shop,store,diner,restaurant,café,bar,pub,hotel,airport,platform,tunnel,highway,bridge,"
    "rug,cushion,pillow,blanket,shoulder,hand,head,lap,back,eyes,nose,ears,tail,paws,wings,feathers,fur,horns,stripes,spots".split(
        ","
    )
)
KINDS_EN = tuple(
    "curious,sly,proud,patient,lazy,clever,hungry,thirsty,shy,noisy,quiet,gentle,fierce,graceful,clumsy,grumpy,cheerful,"
    "playful,loyal,sneaky,wise,stubborn,tired,excited,nervous,dirty,muddy,wet,dry,frozen,melted,broken,cracked,rusty,dusty,polished,"
    "glossy,sparkling,transparent,translucent,striped,spotted,patterned,embroidered,handmade,homemade,crispy,crunchy,sweet,sour,salty,"
    "spicy,creamy,roasted,grilled,steamed,sliced,half,whole,empty,full,heavy,light,tall,short,long,thin,thick,fat,chubby,slim,"
    "sharp,blunt,smooth,rough,pointy,curly,hairy,furry,woolly,scaly,wrinkled,ancient,medieval,futuristic,retro,classic,traditional,"
    "exotic,tropical,arctic,urban,rural,rustic,luxury,cheap,expensive,rare,common,favourite,favorite,lucky,unlucky,haunted,enchanted,"
    "cosmic,electric,mechanical,natural,artificial,sacred,legendary,gorgeous,stunning,charming,delightful,whimsical,dreamy,gloomy,cosy,"
    "cozy,warm,chilly,sunny,rainy,foggy,snowy,stormy,windy,peaceful,chaotic,dramatic,epic,typical,ordinary,extraordinary,last,first".split(
        ","
    )
)
FRAMES_EN = (
    "can you paint {x}", "i would like to see {x}", "what about {x}?", "{x} please", "please, {x}",
    "how about {x}, thanks", "poster showing {x}", "a postcard with {x} on it", "only {x}",
    "imagine {x} for a second", "a print of {x}", "{x} as a tattoo", "{x} as a logo", "{x} as a toy", "minimal drawing: {x}", "just {x}",
    "charcoal sketch of {x}", "macro shot of {x}", "concept art of {x}",
    "once upon a time there was {x}", "here is {x}", "look, {x}!", "this is {x}", "that's {x}", "one more {x}", "it was {x}", "{x} again",
    "book cover featuring {x}", "nothing but {x}", "a stock photo showing {x}", "clipart of {x}", "vector art, {x}", "prompt: {x}",
    "i saw {x} today", "we met {x}", "everybody loves {x}", "the story of {x}", "portrait photo of {x}", "a statue of {x}",
)
MEDIA_EN = (
    "wallpaper", "poster", "greeting card", "t-shirt print", "screensaver", "flyer", "mural", "tapestry", "coloring page", "thumbnail", "avatar",
    "artwork", "composition", "still life", "blog header", "profile picture", "header image", "cover art", "infographic", "storyboard", "doodle",
    "graphic", "pic", "snapshot", "photograph", "canvas", "website banner", "illustration", "fan art", "print", "etching", "woodcut",
)
IN_MEDIA_EN = (
    "{medium} with {x}", "{medium} with {x}", "{medium} with {x} on it", "{medium} with {x} in the middle", "{medium} with only {x}", "a {medium} with {x}",
    "{medium} showing {x}", "a {medium} showing {x}", "{medium} of {x}", "a {medium} of {x}", "{medium}: {x}", "{medium} featuring {x}", "{x} {medium}",
    "{x}, {medium}", "{medium} that shows {x}", "{x} as a {medium}", "{x} for my {medium}", "my {medium} needs {x}", "{medium} about {x}",
)
LOOKS_EN = (

    "unreal engine", "volumetric light", "ultra hd",
    "no text", "no people", "rule of thirds", "shallow depth of field", "film grain", "polaroid", "35mm", "wide angle", "in focus",
    "soft colors", "pastel", "high contrast", "dark mood", "happy mood", "cute style", "storybook", "comic", "manga", "ghibli", "clay", "lego",
    "paper cut", "origami style", "embroidery", "stained glass", "graffiti", "crayon drawing", "line art", "silhouette", "9:16",
)

GROUND_EN = ("background", "background", "background", "backdrop", "bg", "back ground", "backgroud")
BACKGROUNDS_EN = (
    "{x} on {a}{k}{color} {ground}", "{x} against {a}{k}{color} {ground}", "{x} with {a}{k}{color} {ground}", "{x}, {k}{color} {ground}",
    "{x}, {a}{k}{color} {ground}", "{k}{color} {ground}, {x}", "{k}{color} {ground} with {x}",
    "on {a}{k}{color} {ground}: {x}", "{x}, {ground} {color}", "{x}, {ground}: {color}", "{x}, make the {ground} {color}", "{x} {color} {ground}",
    "{x} in front of {a}{k}{color} {ground}", "{x}, {color} colored {ground}", "{x}, {color} colour {ground}", "{x} set on {color} {ground}",
    "{x}, {color} in the {ground}", "{x}; {color} {ground}", "{x}. {color} {ground}.", "{x} isolated on {k}{color} {ground}",
    "with {a}{color} {ground}, {x}", "{x} where the {ground} is {color}", "using {a}{color} {ground}, {x}", "{x} over {k}{color} {ground}",
    "{x}, all {color} behind it", "{x} with only {color} behind", "{x}, {color} behind", "behind {x} it is {color}", "{x} before {a}{color} {ground}",
    "{x} and {a}{ground} in {color}", "{x}, {ground} of {color}", "{x}, the whole {ground} {color}", "{x}, the {ground} should be {color}",
    "the {ground} should be {color}: {x}", "i want the {ground} {color}, {x}", "{a}{color} {ground} and {x}", "{a}{color} {ground} behind {x}",
    "there is {a}{k}{color} {ground} behind {x}", "{x} in front of {color}", "{x} surrounded by {color}", "{x}, {color} all around", "{x} on {color}",
    "{x}, the {ground} being {color}", "{x} whose {ground} is {color}", "{x} in the middle of {a}{color} {ground}", "{x}, what is behind is {color}",
    "fill the {ground} with {color}, {x}", "{x}, {ground} filled with {color}", "{x}, {ground}={color}", "{x} | {ground} {color}",
    "the {ground} of {x} is {color}", "{color} is the {ground} of {x}", "{x} cut out on {color}", "{x} w/ {color} {ground}", "{x}, nothing but {color} around it",
    "{x}, the {ground} {word} {color}", "{x}, {color} {word} {ground}", "{ground} {word} {color}, {x}", "{x} {word} {color} {ground}",
)
"""`word` is any: what counts is that the colour stands near the word for the ground."""
GROUND_KINDS_EN = ("", "", "", "plain ", "solid ", "simple ", "flat ", "clean ", "uniform ", "pure ", "bright ")

PEOPLE_ZH = tuple(
    "我,我们,妈妈,爸爸,爷爷,奶奶,外婆,姐姐,妹妹,弟弟,哥哥,朋友,同学,老师,邻居,我家,孩子,小朋友,大家,国王,公主,王子,农民,"
    "渔夫,画家,歌手,厨师,医生,老人,游客,女孩,男孩,同事,老板,店主,主人,客人,情人,队友,村民,魔法师,宇航员,海盗,别人,有人,世界,"
    "城市,乡下,北方,南方,故乡,童年,学校,公司,博物馆".split(",")
)
TIMES_ZH = tuple(
    "清晨,早上,早餐,中午,午后,傍晚,黄昏,夜晚,深夜,半夜,春天,夏天,夏日,秋天,冬天,冬日,雨后,雪后,雨天,晴天,周末,假期,节日,中秋,圣诞节,"
    "情人节,生日,昨天,今天,明天,去年,从前,古代,未来,刚刚,忽然,终于,慢慢,静静,悄悄,独自,一直,正在,刚,已经,放学,下班,寒夜,月夜".split(
        ","
    )
)
PLACES_ZH = tuple(
    "森林,树林,草原,草丛,草地,花园,花丛,花盆,山顶,山脚,山谷,山坡,悬崖,洞穴,沙漠,海边,海底,海面,海岛,沙滩,河边,湖面,池塘,溪流,瀑布,水边,水源,水底,"
    "冰面,雪地,雪山,天空,天上,云层,云端,星空,月球,太空,远方,街头,街角,路边,马路,小巷,广场,公园,动物园,农场,果园,菜园,田野,稻田,"
    "村庄,小镇,城里,市场,商店,超市,餐厅,咖啡馆,厨房,客厅,卧室,阳台,窗台,窗边,门口,屋顶,墙边,墙角,桌子,书桌,餐桌,盘子,碗,锅,鱼缸,笼子,盒子,"
    "箱子,抽屉,书包,便当,枝头,树枝,树上,树下,操场,教室,图书馆,医院,车站,地铁,机场,港口,码头,船上,桥,城堡,宫殿,寺庙,舞台,工厂,车库,仓库,沙发,地毯".split(
        ","
    )
)
WHERE_ZH = (
    "里",
    "上",
    "下",
    "旁",
    "旁边",
    "中",
    "中间",
    "边",
    "前",
    "后面",
    "之上",
    "附近",
    "深处",
    "",
    "",
    "外",
    "尽头",
)
DOING_ZH = tuple(
    "吃,喝,睡觉,打盹,休息,散步,奔跑,飞驰,飞翔,飞,跳,跳舞,唱歌,歌唱,游泳,游,爬,爬行,走来,走过,走向,回来,出发,前进,等待,"
    "发呆,思考,微笑,大笑,哭泣,生气,害怕,吵架,玩耍,玩,看书,看报,学习,工作,加班,做饭,画画,拍照,捕猎,冬眠,醒来,"
    "上岸,盛开,开放,凋谢,成熟,丰收,发芽,长大,陪伴,融化,燃烧,发光,闪烁,旋转,滚动,落下,掉落,漂浮,升起,堆,盖,建,造,做,买,卖,"
    "送,收到,打开,关上,丢失,遗忘,藏,放,摆,挂,停,停靠,靠,拿,抱,戴,穿,骑,开,烤,煮,蒸,炸,切,新买,想吃,喜欢,想念,"
    "梦见,看见,遇到,救援,旅行,比赛,训练,表演,庆祝,聚会,忙着工作,学会".split(",")
)
KINDS_ZH = tuple(
    "忙碌,懒洋洋,调皮,聪明,骄傲,害羞,凶猛,温柔,饥饿,疲惫,忧郁,热闹,孤单,高大,细长,扁平,柔软,坚硬,光滑,粗糙,透明,闪闪发光,"
    "破旧,崭新,精致,华丽,朴素,复古,古典,传统,未来感,梦幻,浪漫,神奇,诡异,甜,酸,辣,咸,香,冰冷,温暖,炎热,潮湿,干燥,新鲜出炉,成熟,条纹,斑点,花纹,"
    "毛绒绒,胖乎乎,圆滚滚,水灵灵,亮晶晶,黑白,意境,氛围感,电影质感,治愈,极简,最后,第一,唯一,最甜,最大,最小,好多年前,很久以前".split(
        ","
    )
)
FRAMES_ZH = (
    "{x}", "{x}", "{x}", "{x}的照片", "{x}的图片", "{x}的画", "我想画{x}", "可以画{x}吗", "能不能画一下{x}", "请给我{x}",
    "帮我生成{x}的图", "设计{x}的图标", "以{x}为主题的海报", "画面上只有{x}", "画面中央是{x}", "主题：{x}", "这里有{x}", "有{x}", "看，{x}", "今天看到了{x}",
    "这是{x}", "那是{x}", "水彩画：{x}", "油画{x}", "手绘{x}", "壁纸，{x}", "{x}壁纸", "{x}贴纸", "{x}表情", "{x}头像", "关于{x}的故事", "一张{x}",
)
BACKGROUNDS_ZH = (
    "{x}，{color}{de}背景", "{x} {color}{de}背景", "{x}{color}背景", "{color}{de}背景，{x}", "{color}背景{in_}的{x}", "{color}背景的{x}",
    "{color}{de}背景{in_}有{x}", "在{color}{de}背景{in_}的{x}", "背景是{color}，{x}", "{x}，背景是{color}", "{x}，背景为{color}", "{x}，背景：{color}",
    "{x}，背景颜色是{color}", "{x}，背景用{color}", "{x}，{color}作为背景", "以{color}为背景的{x}", "{x}，以{color}为背景", "{x}在{color}背景{in_}",
    "{x}，{color}底", "{color}底的{x}", "{x}，{color}{de}背景色", "{x}，{color}{de}纯色背景", "{x}，纯{color}背景", "{x}，{color}{de}背景，{tail}",
    "{color}背景{x}", "{x}、{color}背景", "{x},{color}背景", "背景{color}，{x}", "{x}，背景{color}",
)
MEDIA_ZH = (
    "插图", "插画", "图画", "海报", "素描", "速写", "版画", "漫画", "图案", "标志", "明信片", "封面", "壁纸", "头像", "贺卡", "涂鸦", "剪纸", "水墨画", "油画", "水彩画",
    "照片", "相片", "摄影作品", "艺术品", "作品", "效果图", "设计图", "草图", "示意图", "表情包", "手机壁纸", "屏保", "图标", "简笔画", "国画", "画面", "图像", "截图",
)
IN_MEDIA_ZH = (
    "{x}的{medium}", "{x}的{medium}", "{x}{medium}", "{x}，{medium}", "{medium}：{x}", "{medium}，{x}", "有{x}的{medium}", "关于{x}的{medium}", "{medium}里有{x}",
    "{medium}上是{x}", "画着{x}的{medium}", "一张{medium}：{x}", "以{x}为主的{medium}", "{x}做的{medium}", "把{x}画成{medium}", "这张{medium}里的{x}",
)

PLACES_OF_BACKGROUND_ZH = (
    "背景", "背景", "背景", "背景", "底色", "背景色", "背景颜色", "后面", "身后", "背后", "四周", "周围", "画面背景", "后方", "底板", "整个背景",
)
IS_ZH = (
    "是", "是", "是", "为", "用", "呈", "呈现", "都是", "要", "选", "设为", "换成", "涂成", "刷成", "采用", "要用", "改成", "变成", "满是", "尽是", "一律", "统一",
    "整个是", "就是", "是纯", "是一片", "是整片", "是一块", "铺满", "带点", "大片", "整片", "一整片", "一大片", "清一色", "满满", "纯", "淡淡", "透着", "染成", "，",
)
BEFORE_ZH = (
    "里的", "前的", "上的", "中的", "下的", "托着", "映着", "围着", "配", "配上", "放着", "站着", "有", "画着", "突出", "上面是", "前面是", "中间是", "里有", "之上，",
    "前面放", "上画", "托起", "陪着", "映衬", "簇拥", "前摆着", "抱着", "围住", "下的一个", "配一个", "，主体是", "，中间是", "，主角是",
)
GROUNDS_ZH = (
    "{x}，{place}{is_}{color}", "{x}，{place}{is_}{color}", "{x}{place}{is_}{color}", "{place}{is_}{color}的{x}", "{place}{is_}{color}的{x}",
    "{place}{is_}{color}，{x}", "{some}{color}{de}{ground}{before}{x}", "{some}{color}{de}{ground}{before}{x}", "用{color}{make}{ground}，{x}",
    "把{ground}{into}{color}，{x}", "{x}，把{ground}{into}{color}", "{ground}请用{color}，{x}", "{x}（{color}{de}{ground}）", "{x}，配{color}{de}{ground}",
    "{ground}{quite}{color}的{x}", "{ground}{quite}{color}的{x}", "{ground}{quite}{color}，{x}", "{x}，{ground}{quite}{color}", "{quite}{color}{de}{ground}{before}{x}",
    "{x}，{ground}{word}{color}", "{x}，{color}{word}{ground}", "{ground}{word}{color}的{x}", "{color}{word}{ground}{before}{x}", "{x}，要{color}的{ground}",
)
QUITE_ZH = (
    "一块", "一层", "一种", "一面", "一张", "一抹", "一团", "一个", "整面", "那种", "这种", "有点", "非常", "很", "特别", "超", "几乎", "大约", "稍微", "最好", "尽量", "大概", "偏",
    "近乎", "接近", "满满", "到处", "通通", "全部", "统统", "只有", "只用", "仅仅", "略带", "泛着", "一水", "片片", "一整块", "大大的", "平平的", "均匀的", "干净的", "柔和的",
)
MAKE_ZH, INTO_ZH = ("做", "当", "铺", "画", "当作", "填满"), ("涂成", "换成", "设成", "变成", "弄成", "改为", "画成")
SOME_ZH = ("", "", "", "一片", "一块", "整片", "大面积", "纯净的", "在")

IN_ZH = ("", "上", "里", "下", "中", "前")

RARE_ZH = "的了在是和有不人我他这个们中来上大为到说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活尔更别打女变四神总何电数安少报才结反受目太量再感建务做接必场件计管期市直德资命山金指克许统区保至队形社便空决治展马科司五基眼书非则听白却界达光放强即像难且权思王象完设式色路记南品住告类求据程北边死张该交规万取拉格望觉术领共确传师观清今切院让识候带导争运笔"
"""Signs for words that nobody knows."""

GLUE_EN = tuple(
    "the,a,an,my,your,his,her,its,our,their,this,that,of,in,on,at,by,with,for,from,to,and the,after,before,when,while,"
    "near,under,over,it,she,he,they,we,you,is,was,are,were,has,had,will,would,can,very,so,not,no,just,all,some,more,"
    "then,than".split(",")
)
GLUE_ZH = ("的", "的", "了", "在", "着", "和它的", "是", "有", "从", "到", "里", "上", "被", "把", "与", "也", "很", "不", "，", "，")
"""What stands between the words of any sentence."""
