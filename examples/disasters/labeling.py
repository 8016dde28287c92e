"""Labelling functions: does a post report a real disaster?

People say that their phone died, that the traffic is a disaster and that a song is fire. These rules look for what
reports have in common (numbers, places, officials, news) and for what talk has in common (I, you, lol).
"""

from goldstream.labeling import keyword_rule, labeling_function, regex_rule

# For a disaster.

nature = keyword_rule(
    "disaster",
    ["wildfire*", "wild fire*", "bush fire*", "forest fire*", "earthquake*", "magnitude", "aftershock*",
     "typhoon*", "tornado*", "hurricane*", "cyclone*", "landslide*", "mudslide*", "sinkhole*", "tsunami*",
     "volcano*", "eruption", "drought", "thunderstorm*", "hailstorm*", "flooding", "flash flood*",
     "avalanche*"],
    name="nature",
)  # fmt: skip

crash = keyword_rule(
    "disaster",
    ["derail*", "collided", "collision", "plane crash", "train crash", "bus crash", "car crash", "wreckage",
     "oil spill*", "collapsed", "capsized", "crashed into", "debris", "mh370"],
    name="crash",
)  # fmt: skip

attack = keyword_rule(
    "disaster",
    ["suicide bomb*", "bombing*", "bombed", "hijacker*", "hostages", "terrorist*", "airstrike*", "gunman",
     "shooting", "massacre", "genocide", "militants", "hiroshima", "nuclear disaster", "arson*",
     "mass murder*"],
    name="attack",
)  # fmt: skip

toll = regex_rule(
    "disaster",
    r"(?i)\b(\d+|two|three|four|five|dozens|hundreds|thousands)( \w+){0,3} (dead|killed|injured|wounded|missing)\b",
    name="toll",
)

casualties = keyword_rule(
    "disaster",
    ["casualties", "fatalities", "death toll", "killed", "kills", "killing", "injured", "survivors", "victims",
     "evacuat*", "rescuers", "displaced", "bodies", "dies"],
    name="casualties",
)  # fmt: skip

officials = keyword_rule(
    "disaster",
    ["police", "firefighters", "fire crews", "officials", "authorities", "army", "troops", "coast guard",
     "state of emergency", "emergency services", "red cross", "investigators", "suspect", "northern california",
     "saudi", "israeli", "palestinian*"],
    name="officials",
)  # fmt: skip

warning = regex_rule(
    "disaster",
    r"(?i)\b(weather service|nws|severe weather|warning (issued|for|until)|watch until|#?\w+wx|utc)\b",
    name="warning",
)

newsroom = regex_rule(
    "disaster",
    r"(?i)\b(breaking|bbc|reuters|abc news|cnn|ap|latest|news24|fox news|worldnews)\b.*https?://",
    name="newsroom",
)


# For everything else.

me = regex_rule(
    "other",
    r"(?i)\b(i'm|i am|i've|i'll|i'd|i was|i just|i want|i love|i feel|my (life|mom|phone|heart|hair|head))\b",
    name="me",
)

to_you = regex_rule("other", r"(?i)^@\w+ .*\b(you|your|u|ur)\b", name="to_you")

laughs = regex_rule(
    "other", r"(?i)\b(lol|lmao|lmfao|haha+|omg|wtf|xd|smh|bruh|bae|gonna|wanna|ain't|😂)|[:;]-?[)D]", name="laughs"
)

play = keyword_rule(
    "other",
    ["song", "album", "lyrics", "band", "movie", "film", "game", "gameplay", "book", "ebook", "kindle",
     "youtube video", "liked a", "season", "episode", "playlist", "remix", "mixtape", "anime", "minecraft",
     "concert", "listen*", "np", "soundcloud"],
    name="play",
)  # fmt: skip

shop = keyword_rule(
    "other",
    ["ebay", "sale", "bag", "handbag", "shoes", "leather", "etsy", "deals", "buy", "free shipping", "coupon",
     "price", "giveaway", "bags", "tote", "cross body", "cross-body"],
    name="shop",
)  # fmt: skip

feelings = keyword_rule(
    "other",
    [
        "love",
        "beautiful",
        "happy",
        "cute",
        "best",
        "funny",
        "awesome",
        "hot",
        "crush",
        "bored",
        "excited",
        "dream",
        "dreams",
        "god",
    ],
    name="feelings",
)

chat = regex_rule("other", r"(?i)\?\s*$|^(when|if|why|who|how|that moment|imagine)\b", name="chat")


@labeling_function("other")
def unlinked_talk(posts):
    """No link, no number, no capital place: probably somebody talking."""
    return ~posts["text"].str.contains(r"http|\d|#\w+|[a-z,] [A-Z][a-z]{3,}")
