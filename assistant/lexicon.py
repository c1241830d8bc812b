"""Small word lists that sentences are compared with: English, closed classes only."""

FUNCTION_WORDS = frozenset(
    "since onto upon among amongst also less least many much several every another may might must "
    "shall would could whose yet however therefore thus within without across along around per "
    "via despite although though whereas upon cannot never nobody nothing neither nor either none "
    "us unless except let ought need able towards toward amid besides hence moreover furthermore "
    "additionally meanwhile otherwise instead still even just already ever else quite rather "
    "well etc eg ie both whether according including included include includes".split()
)
"""Words that carry no content of their own, beside the keyword index's stop words."""

LIGHT_WORDS = frozenset(
    "passage passages document documents text source sources mention mentions mentioned state "
    "states stated says said notes noted describes described specifies specified indicates "
    "indicated section get gets got go goes going went gone".split()
)
"""Words of the frame in which a model puts an answer ("the document states that") and verbs
that say nothing alone: nothing is lost where a source lacks them."""

IRREGULAR = {
    form: base
    for base, forms in {
        "become": "became",
        "begin": "began begun",
        "break": "broke broken",
        "bring": "brought",
        "build": "built",
        "buy": "bought",
        "choose": "chose chosen",
        "come": "came",
        "cost": "costs",
        "deal": "dealt",
        "draw": "drew drawn",
        "drive": "drove driven",
        "eat": "ate eaten",
        "fall": "fell fallen",
        "fight": "fought",
        "find": "found",
        "fly": "flew flown flies",
        "forbid": "forbade forbidden",
        "forget": "forgot forgotten",
        "freeze": "froze frozen",
        "give": "gave given",
        "grow": "grew grown",
        "hang": "hung",
        "hear": "heard",
        "hide": "hid hidden",
        "hold": "held",
        "keep": "kept",
        "know": "knew known",
        "lay": "laid",
        "lead": "led",
        "leave": "left",
        "lend": "lent",
        "lose": "lost",
        "make": "made",
        "mean": "meant",
        "meet": "met",
        "pay": "paid",
        "rise": "rose risen",
        "run": "ran",
        "see": "saw seen",
        "sell": "sold",
        "send": "sent",
        "shoot": "shot",
        "sing": "sang sung",
        "sink": "sank sunk",
        "sit": "sat",
        "speak": "spoke spoken",
        "spend": "spent",
        "stand": "stood",
        "steal": "stole stolen",
        "stick": "stuck",
        "strike": "struck",
        "swim": "swam swum",
        "take": "took taken",
        "teach": "taught",
        "tell": "told",
        "think": "thought",
        "throw": "threw thrown",
        "wear": "wore worn",
        "win": "won",
        "write": "wrote written",
        "man": "men",
        "woman": "women",
        "child": "children",
        "person": "people persons",
        "foot": "feet",
        "high": "height",
        "long": "length",
        "wide": "width",
        "die": "died dead death dies",
        "lie": "lay lain",
    }.items()
    for form in forms.split()
}
"""Irregular forms → what they are forms of (a stemmer knows regular ones alone)."""

NEGATIONS = frozenset(
    "not no never none nobody nothing neither nor without cannot hardly scarcely rarely seldom "
    "nowhere".split()
)
"""Words that deny what follows; words that end in n't do too."""

DENIALS = frozenset(
    "unable fail fails failed failing failure refuse refuses refused refusing lack lacks lacked "
    "lacking forbid forbids forbade forbidden prohibit prohibits prohibited ban bans banned "
    "prevent prevents prevented deny denies denied exclude excludes excluded excluding "
    "avoid avoids avoided cease ceased stop stops stopped absence absent impossible".split()
)
"""Words that say by themselves what others say with a "not"."""

_OPPOSITES = (
    "increase decrease|increase decline|increase fall|increase reduce|rise fall|rise decline|"
    "rise drop|grow shrink|high low|higher lower|highest lowest|more less|more fewer|most least|"
    "maximum minimum|large small|larger smaller|largest smallest|big small|long short|"
    "longer shorter|longest shortest|before after|earlier later|early late|first last|"
    "north south|east west|northern southern|eastern western|left right|upper lower|above below|"
    "over under|inside outside|win lose|victory defeat|buy sell|allow forbid|allow prohibit|"
    "permit forbid|permit prohibit|open close|old new|older newer|oldest newest|always never|"
    "all none|with without|accept reject|approve reject|support oppose|success failure|"
    "succeed fail|positive negative|true false|male female|man woman|day night|summer winter|"
    "spring autumn|morning evening|better worse|best worst|import export|arrive leave|"
    "arrive depart|begin end|start end|start finish|majority minority|profit loss|gain loss|"
    "gain lose|income expense|asset liability|debit credit|born die|young old|hot cold|"
    "warm cold|wet dry|hottest coldest|wettest driest|strong weak|hard soft|heavy light|fast slow|"
    "full empty|rich poor|cheap expensive|public private|internal external|front back|"
    "enter leave|include exclude|add remove|attack defend|friend enemy|same different|"
    "favorable unfavorable|surplus deficit|voluntary compulsory|indoor outdoor|upstairs downstairs"
)
OPPOSITES = tuple(tuple(words) for pair in _OPPOSITES.split("|") if len(words := pair.split()) == 2)
"""Pairs of which one in place of the other turns a sentence round."""
