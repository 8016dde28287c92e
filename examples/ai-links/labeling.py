"""Labelling functions: is a post about AI?

Each says something that is mostly true, and abstains where it has nothing to say. None needs to be right alone: the
label model weighs them by how they agree. Run `goldstream label` to see what each covers and where it conflicts.

Three kinds help, in this order: precise ones (a phrase that nobody uses by accident), broad ones (a hint that is right
more often than not), and some for the other label; without those, the model never learns what to refuse.
"""

from goldstream.labeling import keyword_rule, labeling_function, lookup_rule, regex_rule

# Precise: hardly anyone says these about anything else.

field = keyword_rule(
    "ai",
    ["artificial intelligence", "artificialintelligence", "machine learning", "machinelearning",
     "language model*", "foundation model*", "generative ai", "neural network*", "neural net*",
     "computer vision", "reinforcement learning", "diffusion model*", "vision model*", "speech model*", "mlops",
     "genai"],
    name="field",
)  # fmt: skip

jargon = keyword_rule(
    "ai",
    ["fine-tun*", "finetun*", "pretrain*", "quantis*", "quantiz*", "distill*", "lora", "rag", "rlhf",
     "embeddings", "tokenizer*", "hallucinat*", "overfitting", "backpropagation", "ablat*", "softmax",
     "gradient*", "scaling law*", "leaderboard*", "jailbreak*", "red-team*", "eval", "evals", "model card",
     "system prompt", "prompt injection"],
    name="jargon",
)  # fmt: skip

abroad = keyword_rule(
    "ai",
    ["inteligencia artificial", "inteligência artificial", "intelligence artificielle",
     "künstliche intelligenz", "ia", "ki", "redes neuronales", "rede neural", "réseaux de neurones",
     "sprachmodell*", "modelo de lenguaje", "modelo de linguagem"],
    name="abroad",
)  # fmt: skip

abroad_ja = regex_rule("ai", "生成AI|AIに|機械学習|言語モデル|ファインチューニング|モデル.{0,12}公開", name="abroad_ja")

#: "7B", "1.5B parameters": how people who run models say how large they are.
size = regex_rule(
    "ai",
    r"\b\d+(\.\d)?B\b|\b(million|billion|trillion) (tokens|parameters)\b|tokens? (a|per) second|tokens/s",
    name="size",
)

where_models_live = lookup_rule(
    "ai",
    column="links",
    values=["hub.example", "preprints.example.org", "huggingface.co", "arxiv.org"],
    name="where_models_live",
)

# Broad: right more often than not.

hashtag = lookup_rule(
    "ai", column="tags", values=["ai", "llm", "machinelearning", "deeplearning", "openweights", "nlp"], name="hashtag"
)


@labeling_function("ai")
def says_ai(posts):
    """The two letters as English writes them, and neither "J'ai" nor "ai, que calor"."""
    return posts["text"].str.contains(r"\b(AI|LLMs?|GPT|ML)\b") & (posts["lang"].fill_null("en") == "en")


@labeling_function("ai")
def model_talk(posts):
    """A word that many fields use, next to another one that makes it ours."""
    text = posts["text"].str.to_lowercase()
    return text.str.contains(r"\b(models?|weights|checkpoint|prompts?|agents?|training|gpus?)\b") & text.str.contains(
        r"\b(open (source|weights)|released?|hub|parameters|benchmark|tokens|layers|context|loss|served?|local(ly)?)\b"
    )


# For the other label.


@labeling_function("other")
def no_word_of_ours(posts):
    """Nothing in it that anyone would say about AI: the weather, most likely."""
    whole = r"ai|a\.i|ki|ia|ml|nlp|llms?|gpt|rag|lora|models?|modelo|modèle|modell|train(ing|ed)?|agents?|code|data"
    start = (
        "compute|tun(e|ing)|fine-?tun|weights|pesos|checkpoint|prompt|agentic|token|neural|neuronal|learning|algorithm"
        "|gpu|inference|intelligen|chatbot|benchmark|eval|paper|preprint|robot|assistant|parameter|embedding|attention|generat|open.?source"
    )
    return ~posts["text"].str.contains(rf"(?i)\b(({whole})\b|{start})|[\p{{Han}}\p{{Katakana}}]AI|AIに|モデル|機械学習")


false_friend = keyword_rule(
    "other",
    ["zoo", "garden", "marathon", "puppy", "estate agent", "travel agent", "literary agent", "letting agent",
     "data plan", "model railway", "role model", "fps", "arcade", "grapes", "sewing", "niece", "substation",
     "bus", "tram", "horoscope", "farm", "monet", "lifted", "stretch*", "massage", "law", "recipe", "cream",
     "milk", "gin", "flour", "bakery", "cat", "dog"],
    name="false_friend",
)  # fmt: skip


@labeling_function("other")
def j_ai(posts):
    """A first person in French, a sigh in Portuguese; unless they talk of "IA", which is the real thing."""
    sigh = posts["text"].str.contains(r"(?i)\bj['’]ai\b|\bai (que|se|gente|ai)\b") & posts["lang"].is_in(["fr", "pt"])
    return sigh & ~posts["text"].str.contains(r"\bIA\b")


#: They talk of it to say that there is none, or mean a file, a flight or a degree.
something_else = regex_rule(
    "other",
    r"(?i)\b(no|not|zero|without) AI\b|\bAI[- ]free\b|\bAI files?\b|\.ai\b|flight AI|\bLLM in .{0,30}(law|rights)",
    name="something_else",
)

sale = regex_rule(
    "other",
    r"(?i)% off|\b(sale|discount|code [A-Z]+\d+|free delivery|in stock|order now|followers|guaranteed)\b"
    r"|\b(crypto|trading bot|no exam|no experience)\b",
    name="sale",
)

home = keyword_rule(
    "other",
    ["kids", "grandma", "grandad", "birthday", "dinner", "oven", "kitchen", "neighbour*", "goal*", "rain",
     "snow", "sun", "garden", "holiday", "church", "school play", "tea", "km", "shoes", "socks", "goat*",
     "horse*", "guests", "wedding", "village", "museum", "harbour", "choir", "bread", "pony", "stitches"],
    name="home",
)  # fmt: skip
