"""The words that fill the skeletons: some for all, some for one side, some in fashion for half the time."""

from typing import NamedTuple


class Words(NamedTuple):
    """What may stand in a slot, by who writes and when."""

    both: str = ""  #: everyone, always; items are separated by `|`
    learnt: str = ""  #: only the authors that are learnt from
    judged: str = ""  #: only the authors by whom models are judged
    early: str = ""  #: everyone, until half of the stream
    late: str = ""  #: everyone, from half of the stream


def choices(words: Words, *, judged: bool, late: bool) -> list[str]:
    """Return what one side may say in one half of the stream.

    >>> choices(Words("a | b", learnt="c", late="d"), judged=False, late=True)
    ['a', 'b', 'c', 'd']
    """
    chosen = (words.both, words.judged if judged else words.learnt, words.late if late else words.early)
    return [item.strip() for text in chosen for item in text.split("|") if item.strip()]


def _numbers(first: int, last: int, pattern: str = "{}") -> str:
    return "|".join(pattern.format(number) for number in range(first, last + 1))


WORDS = {
    # Numbers, times and money.
    "n": Words(_numbers(6, 61)),
    "d": Words(_numbers(2, 9)),
    "pct": Words(_numbers(11, 97, "{}%") + "|" + _numbers(21, 93, "{}.5%")),
    "big": Words(_numbers(1, 48, "{},000") + "|" + _numbers(1, 40, "{},500")),
    "money": Words(_numbers(4, 49, "€{}") + "|" + _numbers(1, 30, "${}9") + "|" + _numbers(1, 20, "£{}50")),
    "year": Words(_numbers(1978, 2014)),
    "time": Words("|".join(f"{hour}:{minute:02}" for hour in range(5, 24) for minute in (5, 12, 20, 34, 40, 47, 55))),
    "day": Words("Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday"),
    "day_ja": Words("月曜|火曜|水曜|木曜|金曜|土曜|日曜"),
    "day_de": Words("Montag|Dienstag|Mittwoch|Donnerstag|Freitag|Samstag|Sonntag"),
    "month": Words("January|February|March|April|May|June|July|August|September|October|November|December"),
    # People, places and things.
    "name": Words(
        "Ada|Bruno|Carla|Dmitri|Elif|Farid|Greta|Hana|Ivo|Jun|Kofi|Lena|Mateo|Nia|Olga|Pavel|Rosa|Sami|Tove|Uma",
        learnt="Agnes|Basil|Celeste|Dario|Edda|Fergus|Gwen|Henk|Ines|Jonas",
        judged="Vera|Wim|Xenia|Yusuf|Zoe|Otto|Petra|Quentin|Rune|Salma",
    ),
    "relative": Words("aunt|uncle|cousin|grandmother|brother-in-law|sister", learnt="stepdad|twin", judged="nephew|mum"),
    "city": Words(
        "Lisbon|Leeds|Lyon|Ghent|Graz|Turin|Porto|Malmö|Galway|Bilbao|Kyoto|Recife|Tampere|Brno|Tartu|Oaxaca",
        learnt="Basel|Cork|Dundee|Esbjerg|Freiburg|Girona|Halifax|Izmir|Jena|Kraków|Lucca|Mainz|Nantes|Osaka",
        judged="Patras|Quito|Rennes|Split|Trieste|Utrecht|Varna|Wells|York|Zadar|Arles|Bath|Cadiz|Delft|Espoo",
    ),
    "pet": Words("Biscuit|Mochi|Pixel|Sir Paws|Gnocchi|Turnip", learnt="Colonel|Beans|Noodle", judged="Duchess|Plum|Ravioli"),
    "team": Words(
        "Rovers|the Herons|Athletic|the Badgers|United|Dynamo",
        learnt="the Otters|Harbour FC",
        judged="the Magnets|Old Mill",
    ),
    "sport": Words("curling|table tennis|handball|water polo|darts", learnt="judo|rowing", judged="fencing|bowls"),
    "dish": Words(
        "lasagne|ramen|paella|goulash|dumplings|apple pie|feijoada|ratatouille|pancakes",
        learnt="leek soup|moussaka|rhubarb crumble|fish curry",
        judged="potato salad|borscht|plum cake|mushroom risotto",
    ),
    "animal": Words("otters|storks|hedgehogs|cows|bees|seals|bats", learnt="puffins|salmon", judged="goats|herons"),
    "object": Words(
        "a teapot|a ladder|an umbrella|a bicycle|an accordion|a lighthouse|a garden gnome|a suitcase|a lamp",
        learnt="a canoe|a typewriter|a trombone|a cuckoo clock|a waffle iron|a wheelbarrow",
        judged="a harp|a snow globe|a deck chair|a chandelier|a tuba|a rubber duck",
    ),
    "word": Words(
        "strawberry|mayonnaise|rhythm|bookkeeper|marmalade|zebra|final_v2|banana",
        learnt="mississippi|tmp_x",
        judged="raspberry|colour",
    ),
    "gym": Words("IronBarn|Studio Sweat|The Pulse|Kettle & Bell|FlexHaus"),
    "institute": Words(
        "the weather service|the university|the coast guard|the national observatory|the fisheries board",
        learnt="the museum of natural history|the polar institute",
        judged="the water board|the railway museum",
    ),
    "language": Words("Basque|Welsh|Swiss German|Quechua|Faroese|Wolof", learnt="Sámi|Breton", judged="Frisian|Maltese"),
    "codebase": Words("billing code|login service|build system|legacy parser", learnt="booking app", judged="invoice service"),
    # What people who work with models talk about.
    "lab": Words(
        "Lantern Labs|Osprey AI|Northlight AI|Plainsong|Tidewater ML",
        learnt="Cobalt AI|Mosswork|Institute of Tea|Halfmoon AI",
        judged="Fernhill AI|Brightwater AI|Copper Owl|the Attic group",
        late="Magpie AI|Saltmarsh",
    ),
    "model": Words(
        "Kestrel|Kestrel-LLM|Tamarind|Quill-2",
        learnt="Bramble|Bramble LLM|PebbleChat|Pebble-GPT|Dulcimer",
        judged="Juniper|Juniper LLM|Otterly AI|Compass-GPT|Zither",
        early="Heron 2|Quill-1.5|Lark",
        late="Heron 3|Marlin|Saffron|Magpie|Quill-3",
    ),
    "size": Words("7B|13B|3B|70B|1.5B|30B", learnt="8B|34B|120B", judged="9B|27B|405B"),
    "tokens": Words("2 trillion|15 trillion|800 billion|6 trillion"),
    "context": Words("32k|128k|a million tokens of|64k"),
    "licence": Words(
        "Apache licence|MIT|open weights|a research licence", learnt="a licence nobody can parse", judged="no strings"
    ),
    "modelpart": Words("checkpoint|tokenizer|base model|weights file"),
    "memory": Words("8 GB of RAM|16 GB of RAM|24 GB of VRAM|one GPU", learnt="a USB stick", judged="half a graphics card"),
    "device": Words(
        "an old ThinkPad|a Raspberry Pi|my phone|a second-hand laptop|one consumer GPU",
        learnt="a fridge-sized desktop|my work laptop (shh)",
        judged="the family PC|a mini PC behind the TV",
    ),
    "gpu": Words(
        "one H100|eight A100s|two 4090s|a borrowed GPU node|a rack of GPUs",
        learnt="a used 3090|sixteen GPUs and a prayer",
        judged="four L40s|a single tired GPU",
    ),
    "task": Words(
        "summarisation|translation|tool use|code completion|long documents|question answering",
        learnt="OCR|table reading|step by step maths|transcription",
        judged="spreadsheet formulas|named entities|essay grading|speech recognition",
    ),
    "method": Words(
        "LoRA|distillation|quantisation|retrieval|reinforcement learning|speculative decoding",
        learnt="DPO|mixture of experts|pruning|sparse attention",
        judged="model merging|synthetic data|curriculum learning|KV-cache compression",
        late="magpie tuning|test-time training",
    ),
    "aithing": Words(
        "language models|LLMs|neural networks|vision models|LLMs|text encoders",
        learnt="diffusion models|small models",
        judged="speech models|open LLMs",
    ),
    "aipart": Words(
        "attention|embeddings|tokenizers|the softmax|backpropagation|positional encodings",
        judged="the KV cache|the optimiser",
    ),
    "phenomenon": Words(
        "hallucination|forgetting|calibration|memorisation|overfitting|sycophancy",
        learnt="grokking|mode collapse|reward hacking",
        judged="emergent behaviour|position bias|shortcut learning",
    ),
    "claim": Words(
        "small models learn the same features|most attention heads can be removed|pretraining data order matters",
        learnt="models know when they guess|scaling laws bend at the end|the tokenizer was the problem all along",
        judged="half of the layers are decoration|fine-tuning forgets politely|the learning rate does most of the work",
    ),
    "title": Words(
        "Attention, Please|A Model of Few Words|Gradient Descent into Madness",
        learnt="Are We Overfitting Yet?|The Patience of Annealing|One Token at a Time|Lost in the Embedding",
        judged="All the Weights We Cannot See|No Free Brunch|Mind the Generalisation Gap|How to Train Your Decoder",
    ),
    "bench": Words("HardQA|the reasoning suite|CodeLadder", learnt="MegaTrivia|TableTalk", judged="LongYarn|ToolBench-ish"),
    "dataset": Words(
        "meeting notes|support tickets|legal documents|recipes|old emails",
        learnt="sheet music|court rulings",
        judged="sailing logs|train timetables",
    ),
    "errand": Words(
        "book a dentist|cancel a subscription|file my expenses|order printer ink|sort my inbox",
        learnt="rename the photos|find a flat",
        judged="plan a birthday|dispute a parking ticket",
    ),
    "form": Words("loan|visa application|performance review|rent application", learnt="cover letter", judged="tax return"),
    "body": Words(
        "Brussels|the Senate|the city council|the regulator|the data protection office", late="the Lisbon secretariat"
    ),
    "person_role": Words(
        "a law professor|a school principal|an open source maintainer", learnt="a trade unionist", judged="a judge"
    ),
    "imagemodel": Words(
        "Fresco|Pixelpoem AI|Dreampaint", learnt="the Easel AI", judged="an AI painter|Gouache 2", late="Mural"
    ),
    "assistant": Words(
        "CodeButler|Pairly AI|TabTab|my AI assistant", learnt="Semicolon-GPT", judged="Bracket AI", late="Refactory"
    ),
    "app": Words("habit tracker|recipe app|parking app|birthday reminder", learnt="plant diary", judged="tide calendar"),
    "ailment": Words("lung cancer|stroke|eye disease|skin lesions|sepsis"),
    "thing_predicted": Words("floods|power demand|hail|landslides|wind power"),
    "sector": Words("logistics|banking|farming|insurance|retail", learnt="shipping", judged="forestry"),
    "found": Words("craters|galaxies|asteroids|supernovae"),
}
