"""What people talk about: how often, in which language, with which hashtags, and where their links lead.

Topics named `ai.*` are about AI. `name.*` carry one of its words as a name or by accident, `word.*` a word that it
often uses, `life.*` neither. What counts as "about AI" is what a reader who follows the field would want: models,
research, tools, rules, jobs, jokes, opinions. A bank's chatbot, an "AI" kettle on sale, a robot in a film are not.
"""

from typing import NamedTuple

#: How many of 1,000 posts. The two news topics belong to one half of the stream each.
SHARES = {
    "ai.release": 27, "ai.paper": 22, "ai.gpu": 14, "ai.tutorial": 19, "ai.policy": 17, "ai.agents": 17, "ai.local": 13,
    "ai.evals": 14, "ai.jobs": 13, "ai.opinion": 20, "ai.art": 10, "ai.coding": 13, "ai.mishap": 10, "ai.industry": 15,
    "ai.news_early": 10, "ai.news_late": 10, "ai.es": 4, "ai.de": 4, "ai.fr": 4, "ai.ja": 4, "ai.pt": 3,
    "name.fr_ai": 8, "name.pt_ai": 5, "name.people": 6, "name.film": 5, "name.illustrator": 4, "name.heifers": 2,
    "name.neural": 6, "name.deep": 5, "name.monet": 6, "name.gemini": 8, "name.copilot": 6, "name.llama": 6,
    "name.adverts": 6, "name.chatbot": 7, "name.law": 4, "name.coach": 3, "name.recipe": 7, "name.noai": 5,
    "word.python": 13, "word.code": 33, "word.gaming": 13, "word.dataplan": 12, "word.statistics": 11, "word.model": 22,
    "word.transformer": 11, "word.agent": 21, "word.training": 21, "word.prompt": 10, "word.sewing": 6,
    "word.token": 11,
    "word.attention": 11, "word.cluster": 9, "word.alexa": 9, "word.bert": 5, "word.robot": 9, "word.pipeline": 7,
    "word.notebook": 7, "word.algorithm": 7, "word.inference": 5,
    "life.weather": 34, "life.football": 32, "life.cooking": 26, "life.cats": 25, "life.transit": 23, "life.books": 16,
    "life.garden": 16, "life.music": 16, "life.family": 21, "life.work": 19, "life.travel": 18, "life.local": 20,
    "life.sky": 9, "life.diy": 9, "life.birds": 9, "life.es": 14, "life.de": 12, "life.fr": 9, "life.ja": 10,
    "life.pt": 9,
}  # fmt: skip

LANGUAGES = {"es": "es", "de": "de", "fr": "fr", "ja": "ja", "pt": "pt", "fr_ai": "fr", "pt_ai": "pt"}

#: People stick together: each author belongs to one circle, and strays from it now and then.
CIRCLES = {
    "researchers": "ai.paper ai.evals ai.gpu ai.opinion ai.jobs ai.news_early ai.news_late ai.industry life.transit",
    "builders": "ai.release ai.agents ai.local ai.coding ai.mishap ai.gpu word.code ai.news_early ai.news_late",
    "teachers": "ai.tutorial ai.policy ai.opinion word.statistics word.python life.books ai.mishap",
    "officials": "ai.policy ai.industry ai.jobs word.statistics life.local word.pipeline name.law",
    "artists": "ai.art name.illustrator name.noai word.sewing name.monet word.model name.film life.music",
    "programmers": "word.code word.gaming ai.coding word.notebook word.algorithm word.dataplan word.cluster",
    "sporty": "life.football word.training name.neural name.deep name.copilot word.attention name.people",
    "cooks": "life.cooking name.recipe life.garden word.prompt life.diy word.cluster word.bert",
    "country": "name.llama name.heifers word.python word.transformer life.weather life.birds life.sky word.robot",
    "families": "life.family life.cats word.alexa word.robot word.token name.gemini life.books word.bert",
    "townspeople": "life.local life.transit life.work name.chatbot name.adverts word.agent word.dataplan word.prompt",
    "dreamers": "name.gemini life.sky life.travel name.monet word.inference name.coach word.algorithm life.cats",
    "es": "ai.es life.es",
    "de": "ai.de life.de",
    "fr": "ai.fr life.fr name.fr_ai",
    "pt": "ai.pt life.pt name.pt_ai",
    "ja": "ai.ja life.ja",
}

#: Where links lead, by the start of the topic's name; the longest match counts. Everyone also uses `SHORTENERS`.
SITES = {
    "ai": "hub.example|preprints.example.org|git.example|video.example|technews.example|notes.example.net",
    "ai.jobs": "jobs.example|careers.example.org",
    "ai.policy": "technews.example|gov.example.org|cityherald.example",
    "name": "video.example|cityherald.example|shop.example|tickets.example|notes.example.net",
    "word": "shop.example|cityherald.example|forum.example|video.example|git.example",
    "word.code": "git.example|forum.example|notes.example.net|technews.example",
    "life": "cityherald.example|photos.example|video.example|recipes.example|sport.example",
}
SHORTENERS = "short.example|lnk.example|go.example.com"

TAGS = {
    "ai": "AI|AI|MachineLearning|LLM|OpenWeights|DeepLearning|GenAI|MLOps|NLP|buildinpublic|tech",
    "ai.es": "IA|tecnología", "ai.pt": "IA|tecnologia", "ai.de": "KI|Technik", "ai.fr": "IA|numérique",
    "ai.ja": "AI|技術",
    "name": "weekend|news|smalljoys|shopping|MondayMood",
    "name.adverts": "AI|deal|sale|smarthome", "name.film": "scifi|movies|AI", "name.noai": "NoAI|photography|handmade",
    "word": "weekend|MondayMood|DIY|news|smalljoys",
    "word.code": "python|data|devops|opensource|tech|buildinpublic", "word.training": "training|running|fitness",
    "word.gaming": "GPU|gaming|pcbuild", "word.robot": "robots|smarthome", "word.statistics": "data|opendata",
    "life": "weekend|smalljoys|MondayMood|photography",
    "life.football": "football|matchday", "life.cats": "CatsOfTheNetwork|caturday", "life.cooking": "cooking|foodie",
}  # fmt: skip

EMOJI = {
    "ai": "🤖|🧠|🚀|🔥|👀|😅|📈|🎉|🙃|🦆",
    "name": "😂|🙃|✨|👀|💸|🎬|🦙|🌊",
    "word": "😂|🙃|🐍|🧵|🏃|👀|🏠|💡|🎮",
    "life": "☀️|🌧️|⚽|🍲|🐈|🚲|📚|🍅|🎶|😂|❤️|😴|🌙",
}


class Topic(NamedTuple):
    """All that is known of a topic but its sentences."""

    name: str
    label: str  #: gold: `ai` or `other`
    lang: str
    link_share: float  #: of its posts that carry a link
    sites: list[str]
    tags: list[str]
    emoji: list[str]


def _nearest(table: dict[str, str], name: str) -> list[str]:
    return table.get(name, table[name.split(".")[0]]).split("|")


def topic(name: str) -> Topic:
    """Return the topic `name`.

    >>> topic("name.llama").label, topic("ai.de").lang
    ('other', 'de')
    """
    group, _, rest = name.partition(".")
    about_ai = group == "ai"
    link_share = {"ai": 0.66, "name": 0.34, "word": 0.36, "life": 0.24}[group]
    return Topic(
        name,
        "ai" if about_ai else "other",
        LANGUAGES.get(rest, "en"),
        link_share,
        _nearest(SITES, name),
        _nearest(TAGS, name),
        _nearest(EMOJI, name),
    )
