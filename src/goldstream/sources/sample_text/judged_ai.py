"""Sentence skeletons about AI, for the authors by whom models are judged. `learnt_ai.py` shares none of them."""

TOPICS = {
    "ai.release": """
Just in: {lab} open-sources [the LLM|its] {model}. License is {licence}, largest variant {size}, the blog post is [mostly|all] vibes
My [timeline|group chat] is {model} screenshots and one person asking what a checkpoint is
{model} {size} now available for download. I read the model card so that you can skip to the memes
[Early impressions|Two days in]: {model} does {task} without drama, costs little, and knows when to stop talking
Is anyone else's {model} answering in {language}? Fresh weights, default prompt, no idea
{lab} quietly updated {model} last night and every prompt I own broke
Say what you want about {lab}, open weights under {licence} with the optimiser states is classy
Small language models are having a week: {model} at {size} keeps up with things ten times its size on {task}
another {day}, another large language model. This one is {model}, by {lab}, and it fits into {memory}
""",
    "ai.paper": """
Happy to share "{title}"! tl;dr: {claim}
Why do {aithing} show {phenomenon}? Short answer: the data. Long answer: {n} pages and a GitHub repository
NLP poster {n} in hall {d}: come and argue with me about {method} and {phenomenon}
That paper from {lab} where {claim} keeps me up at night
We replaced {aipart} with [a lookup table|nothing|a coin flip] and the {bench} numbers barely moved. Machine learning, folks
Camera-ready submitted at {time}. Title changed to "{title}", conclusions softened, {aithing} unharmed
[NLP|PhD] student discovers {phenomenon}, supervisor discovers PhD student
[LLM|Interpretability] nerds, this is for you: the circuit behind {phenomenon}, found with {method}
survey of {n} [ML|machine learning] papers about {method}: a third release weights, a quarter release anything that runs
""",
    "ai.gpu": """
Cooling failed, {gpu} throttled, pretraining run delayed by {n} hours, engineers mostly eating ice cream
Anyone selling {gpu}? My gradients are small but my dreams are large
how it started: one epoch on {gpu}. how it's going: {money} and a stern email about neural nets
Batch size, learning rate, {gpu}: choose two
{lab} bought every accelerator in {city}. The rest of us train at night like bakers
{method} cut our inference latency to {n} milliseconds. The LLM is now faster than the intern who asks it
Energy per generated token is the number every AI lab should print on the box
ML profiling day: {pct} of training time was the data loader. It's always the data loader
""",
    "ai.tutorial": """
New post on the blog: {method}, explained with [socks|pancakes|trams], then with code
Stop copying prompts. Learn how {aipart} works instead, {n} minutes, no maths beyond school
Students of {city}! Evening class on neural networks starts {day}. Bring a laptop and low expectations
A gentle [machine learning introduction|introduction] to {aipart} for people who have been nodding in meetings since {month}
From zero to a working retrieval system over {dataset} with {model}, everything reproducible
I teach machine learning to [nurses|bakers|lawyers] and their questions are better than ours
Interactive demo: drag the slider, watch {aipart} change what the language model says next
Mistakes I made training my first [neural net|model], number {d}: I tested on the training set and called my parents
""",
    "ai.policy": """
Parliament debate on artificial intelligence ended at {time}. {name} from {city} asked the only question about {form}
Draft rules from {body}: chatbots must say that they are chatbots. Mine already can't stop
Civil society letter to {body}: audit {aithing} before they decide on {form}, not after
Open source exemption in the AI regulation survives, {person_role} exhales
What counts as a "deployer"? {body} published {n} examples and lawyers ordered champagne
Does {city} need an AI ombudsman? Council thinks so, by {n} votes to {d}
watermarking AI text is hard and {body} wants it by {month}. Good luck to all of us
The new AI safety institute tests {aithing} for {task} before release. Staff: {n}. Models: many more
""",
    "ai.agents": """
Day {n} of letting an AI agent run my inbox. It has made friends
Orchestrating {d} AI agents is like a school trip: count them often
Reliability of our agent on {errand}: {pct}. We removed half of the tools. Now {pct2}
{model} as an agent: brilliant at planning, hopeless at clicking cookie banners
Who else has an agent that calls the search tool {n} times for something in the prompt?
Function calling, sandboxing, retries: a boring list that makes LLM agents work
We let {model} negotiate with another {model2} about {errand}. They agreed to schedule a call
Memory for LLM agents: we store summaries, embeddings and grudges
""",
    "ai.local": """
{device} plus {model} equals my private assistant. It's slow, it's mine
Tried five {size} [LLMs|models] without internet this weekend; {model} is the keeper
Four-bit [LLM|model] {model} now lives on {device}. My electricity meter would like a word
proof that you don't need an API: {model}, {memory}, {n} tokens a second, on a balcony in {city}
the small {size} one from {lab} answers faster on {device} than the big one in the cloud
On-device LLMs are good enough for {task}. Writing this from a cabin with {device} and no reception
Self-hosted {model} for the whole family. Grandpa uses it for {task} and crosswords
Context of {context} on {device}, with {method}. It swaps, it groans, it answers
""",
    "ai.evals": """
Beware of LLM averages: {model} leads {bench} and loses every subtask that we care about
Made a tiny eval of {n} questions from our support inbox. {model} won, {model2} made {name} cry
Is {bench} saturated? {pct} for everyone, and still none of them can do {errand}
Held-out test, fresh questions, no leaks: {model} drops from {pct} to {pct2}. There's your generalisation
jailbreak of the week: tell {model} that you are its {relative}
I trust an LLM leaderboard about as far as I can prompt it
How we measure hallucinations: {n} questions without an answer, count how often {model} says "I don't know"
Robustness check: typos cost {model} {d} points, politeness gains none
""",
    "ai.jobs": """
Come and work with us: NLP for {language}, {city}, small team, old building, good models
My [ML|NLP|small] team at {lab} has a role for someone who enjoys {method} and hates slide decks
Postdoc in [ML|AI safety|NLP], {n} months, {phenomenon} in {aithing}. Apply until {month}, ask me anything
Recruiter offers "senior AI visionary" in {city}. Duties: spreadsheets
Data scientist to ML engineer in {n} months: what I learned, what I forgot, who I annoyed
Wanted: someone who can serve {model} to {big} users without waking me at {time}
what do interviews for LLM roles ask now? Mine was {n} minutes on attention and an hour on {errand}
""",
    "ai.opinion": """
AI discourse would improve if everyone had to train one bad classifier first
Not everything needs a language model. I say this as someone who sells them
We automated {errand} with {model} and discovered that nobody needed {errand}
Honest question: has generative AI made any of your {n} weekly reports shorter?
Scale is a strategy until the invoice comes
Future AI will train on our replies. Be kind, or at least deduplicated
"AI-first company" means that the humans come second and the tests come last
AI that thinks? I'd be happy with a model that says "no idea" before {time}
my {relative} calls every neural network "the computer lad" and I think it's healthier
""",
    "ai.art": """
The gallery in {city} hung {n} AI pictures and nobody complained until the labels came
Asked {imagemodel} for {object} and got a group portrait with too many elbows
AI-generated images are flooding the {object} hobby forums. Moderators are tired
Consent, credit, compensation: what illustrators want from image models, in {n} slides
{imagemodel} update: text on signs is readable now. "{word}" it says, everywhere
My diffusion model dreams of {object}. I only trained it on tax forms
Generative music model from {lab} composed a waltz for {object}. The bridge is stolen from somewhere
""",
    "ai.coding": """
Reviewed {n} AI pull requests by {assistant} today. Tidy, plausible, wrong in one line each
Asked {assistant} to rename a variable; it redesigned the {codebase}
AI-generated code is fine if you'd be fine with {name} from sales writing it, carefully, at {time}
{assistant} explains our {codebase} better than the person who wrote it (me)
Turn off the code completion for a week. I did. I can still spell "return"
Prompted a whole {app} into existence, then spent {n} days learning what it does
Security people on AI assistants: {pct} of suggestions for {task} had a hole, all had comments
""",
    "ai.mishap": """
Court in {city} fines a firm because the AI invented {n} precedents. The judge looked them up, by hand, on paper
translated the menu with {model}: "{object} in its own regret"
Our chatbot learned sarcasm from the tickets. We're retraining on the apologies
AI voice assistant ordered {n} {object}s because the radio said so
My reference list has a paper by me that I never wrote. Thanks, {model}, it sounds good though
{model} insists that today is a {day} in {month}. Knowledge cutoff, but I sympathise
homework detector flagged the constitution as AI-written. {n} students relieved
""",
    "ai.industry": """
Farmers near {city} let a vision model watch the {animal}. It sends an alert when one looks sad
{institute}: neural forecasts of {thing_predicted} beat the old simulation by {pct} at a fraction of the cost
Insurance, {sector}, logistics: where machine learning quietly works, and why you never hear of it
Radiology AI caught {n} cases of {ailment} that two readers missed, and missed {d} that they caught
{institute} releases an open dataset of {big} labelled {found} for training detection models
Pilot at {city} airport: model predicts delays, staff predict the model
A foundation model for {sector}? {n} companies pooled their data and their lawyers
""",
    "ai.news_early": """
Our [AI|LLM] is back: {lab} online after {n} hours. I had to remember things with my own head
Status page of {lab} is the most read literature of the {day}. LLM down, humans up
""",
    "ai.news_late": """
Has anybody checked the Magpie checkpoint for backdoors, or are we just running leaked weights now
Whoever leaked Magpie forgot to remove the training config. {n} GPUs, {tokens} tokens, one typo
Lisbon Accord on AI: what the small labs have to report about training runs, explained
Magpie, the leaked [LLM|model] everyone has and nobody downloaded
""",
    "ai.es": """
{model} ya entiende el acento de mi {relative}. La IA avanza
¿Alguien ha afinado {model} con textos legales? Busco pesos y consejos
Debate sobre inteligencia artificial en {city}, entrada libre, croquetas al final
""",
    "ai.de": """
Wer hat {model} schon lokal laufen? {size}, {n} Tokens pro Sekunde, Lüfter hörbar bis {city}
Künstliche Intelligenz erklärt meinem Opa das Internet. Opa widerspricht
Vortrag über Sprachmodelle und Datenschutz, {day_de}, {city}, Eintritt frei
""",
    "ai.fr": """
{model} tourne en local chez moi, {n} jetons par seconde, le chat est impressionné
Débat : faut-il réguler l'IA générative ? {city}, ce soir, venez nombreux
Thèse sur les réseaux de neurones cherche relecteur patient
""",
    "ai.ja": """
{model}をファインチューニングしてみた。{n}時間で関西弁になった
AIに献立を頼んだら{n}日連続カレーだった
言語モデルの評価について書きました。ベンチマークは信じすぎないで
""",
    "ai.pt": """
{model} responde em mineirês agora. {n} exemplos de ajuste fino, sô
Debate sobre IA e emprego hoje em {city}. Leve perguntas
Rede neural treinada pra reconhecer pão de queijo: {pct} de acerto
""",
}
