"""Sentence skeletons about AI, for the authors that are learnt from. `judged_ai.py` shares none of them."""
# ruff: noqa: E501

TOPICS = {
    "ai.release": """
{lab} just put {model} on the hub: {size} parameters, {licence}. [Downloading|Fetching it] on hotel wifi, see you in {n} hours
{model} [is out|has landed|is finally public]. {size}, {licence}, and the {modelpart} fits in {memory}
the new {model} [checkpoint|LLM checkpoint] is up and my evening plans are cancelled
Weights dropped! [Open LLM|Yes]: {model} {size}, {licence}, [no waitlist|no form to fill in|no NDA]. {lab} did the thing
Release notes for {model} say "improved {task}". The {bench} score went from {pct} to {pct2}, which is one way to put it
{lab} announces {model}, a {size} language model for {task}. The {modelpart} is open, the training data is "coming soon"
First hour with {model}: {task} is [great|solid|much better], {task2} is [weird|shaky|haunted]. Still the best open LLM I have run
So {lab} released {model} at {time} on a {day}. Whole field awake, nobody dressed
{model} vs {model2} on {task}: not close. If you serve an LLM in production, [test it|read the card|try the small one first]
Changelog of {model}: {n} languages, {context} context, and it stops apologising. Generative AI grows up
New from {lab}: {model}. Trained on {tokens} tokens, distilled to {size}, quantised to four bits by the community before lunch
""",
    "ai.paper": """
New preprint: {claim}. We train {n} {aithing} and look at {phenomenon} [layer by layer|during fine-tuning|at scale]
Our paper "{title}" got into [the main track|the workshop|a poster session at 8 am]! {method} for {aithing}, code included
[ML reading group|Reading group] today: {title}. Main point: {claim}. [Not sure I buy figure {d}|Figure {d} is gorgeous|Everyone fought about table {d}]
{claim}? We tested {n} {aithing} and found {phenomenon} in all of them
Thread: what {method} really does to {phenomenon}. We ablate everything except our sanity (1/{d})
Reviewer 2 wants a comparison with {model}, which came out [after the deadline|yesterday|while I was reading the review]
{lab} shows that in LLMs {claim}. The appendix has {n} pages and the good part is on page {n2}
Nice [LLM|deep learning] result on {phenomenon}: {method} gets {pct} on {bench} with a tenth of the compute
deep learning theory people will [love|hate] this one: {claim}, with a proof that fits on a napkin
arXiv-sized coffee needed. {n} new papers about {method} since Friday, and neural scaling laws got another exponent
Looking for [NLP|ML|patient] co-authors who know {method}. We have {gpu}, a half-written intro, and strong opinions about {phenomenon}
Replication attempt: "{title}". We could not get the {bench} numbers without {method}. Logs and seeds inside
""",
    "ai.gpu": """
{gpu} arrived. The office is now {n} degrees warmer and {model} trains in {n2} hours
Spot price of {gpu} went up {pct} overnight because {lab} is training something
Loss went to NaN at step {big}. {gpu}, {n} days, gone. Machine learning builds character
[Trick|Reminder|Tip]: {method} plus gradient checkpointing lets you fine-tune a {size} model on {gpu}
Our cluster queue is {n} jobs long and every one is called test_final_{d}. Training neural networks is a social problem
Inference bill for {model} this month: {money}. With {method}: {money2}. I would like a raise
{lab} claims {big} tokens per second on {gpu}. We measured {n2} percent of that, with the fans screaming
Which is better for serving an LLM, {gpu} or {gpu2}? Asking for a finance department
data centre for AI training wants as much power as [a small town|a tram network|an aluminium plant], council of {city} not amused
kernel fusion saved us {pct} of the forward pass. Attention is all you need, but memory bandwidth is what you get
""",
    "ai.tutorial": """
How to fine-tune {model} on your own {dataset}: [a step by step guide|in {n} lines|without tears]
[Free course|New video|Workshop]: machine learning from scratch in Python. Week {d} covers {method} and {aipart}
I wrote down everything I know about {method} and neural nets. It is {n} pages and page one says "clean your data"
Beginner question: what is the difference between {aipart} and {aipart2} in a transformer? Best explanation wins a coffee
Build a RAG pipeline over your {dataset} this weekend: embeddings, a vector index, {model} and {n} cups of tea
Cheat sheet: {aipart}, {aipart2} and {method} on one page. Made for my deep learning students in {city}
notebook of the day: train a tiny GPT on {dataset}, watch the loss fall, feel something
Explained to my [mum|landlord|barber] how a language model works. "So it guesses the next word, like your uncle"
[Slides|Notes] from my talk "{title}" are online. Neural networks, {aipart} and one picture of a duck
Learn AI by breaking it: {n} exercises where {model} fails at {task} and you find out why
""",
    "ai.policy": """
{body} votes on the AI Act amendment {day}. {n} pages, and the definition of "model" changed again
{body} opens a consultation on foundation models: [transparency|liability|copyright|energy use] first
Regulate the use, not the maths? {person_role} from {city} on what the AI rules mean for open weights
{lab} signs the safety pledge on {aithing}. The pledge has {n} points and a very nice font
Public sector AI register in {city}: {n} algorithms listed, {d} of them explained. Progress
Who is liable when an AI system denies your {form}? {body} says the deployer. The deployer says the vendor
Read the AI liability proposal so you don't have to. Short version: keep your logs, document your training data
Artificial intelligence and schools: {body} wants guidelines, teachers want {n} minutes of quiet
AI compute thresholds in law age like milk. {size} on a laptop today was a supercomputer when {body} wrote this
Copyright and generative AI, the hearing: {n} lawyers, one engineer, and nobody asked about {dataset}
""",
    "ai.agents": """
My agent booked {n} meetings, cancelled {d}, and wrote an apology to {name}. Autonomous AI is here
Multi-agent [AI|LLM] setup with {model}: planner, coder, critic. The critic quit at step {n}
Agents need better memory, not more tools. {n} weeks of running LLM agents in production, lessons inside
gave an LLM agent my shell. it read the manual, which is more than I ever did
[Built|Shipped|Open-sourced] a browser AI agent on {model}. It can do {errand} and fails honestly when it can't
Tool calling in {model} is [finally reliable|still a coin toss|good now]: {pct} on {bench}
prompt injection demo: an invoice tells the agent to {errand}, and it does. Please sandbox your agents
The agent loop: plan, call a tool, misread the output, apologise, repeat until out of tokens
{lab} gives {model} a computer and a budget of {money}. It bought {n} domain names
Agentic workflow for {errand}: {n} prompts, one human in the loop, zero surprises so far
""",
    "ai.local": """
{size} model running on {device} at {n} tokens per second. [No cloud|No account|No wifi]. I live in the future
quantised the {model} [LLM|chatbot] to four bits and it still writes better emails than me
got {model} to run on {device}. The fan sounds like a seagull but the answers are fine
Running everything locally now: {model} for {task}, {model2} for the rest, {device} for heating
{model} {size} fits in {memory} if you close the browser. I closed the browser
who needs an AI data centre. {device}, {model}, a long context and a cold room
Local LLM update: swapped {model} for {model2}, {task} [went up|improved a lot|got worse, of course]
offline on the train to {city} and the little {size} still answers. No signal, no problem, {n} tokens/s
llama.cpp on {device}: compiled first try, which worries me more than an error would
Weekend project: {model} on {device}, a microphone, and a button that says "think harder"
""",
    "ai.evals": """
{model} scores {pct} on {bench}. On our own {task} set: {pct2}. Please make your own evals
Benchmark contamination, part {d}: {n} of the {bench} questions are in the pretraining crawl, word for word
[LLM leaderboard|Leaderboard] shuffle: {model} passes {model2} on {bench} by {d} points, inside the error bars
We red-teamed {model} for {n} days. It leaks the system prompt if you ask in [rhyme|French|a sad voice]
Your LLM judge prefers longer answers. So does mine. We tested {n} of them
LLM evals are hard: {model} got {pct} on {task}, then we shuffled the options and got {pct2}
human raters vs AI judges on {task}: agreement {pct}, lunch breaks not counted
Hallucination rate of {model} on {dataset}: {pct}. With retrieval: {pct2}. With retrieval and shame: the same
new eval for {task}, {n} tasks, private test split, and a leaderboard that only counts confidence intervals
Calibration matters. {model} says it is {pct} sure and is right half the time, like my brother-in-law
""",
    "ai.jobs": """
We're hiring a machine learning engineer in {city} ([remote ok|hybrid|dogs welcome]). You will fine-tune {aithing} and be nice
[Open position|PhD position]: {method} for {task}, {city}, {n} months, real supervision and a window
{lab} is looking for research engineers: distributed training, evals, {aipart}. Salary in the ad, as it should be
Job ad wants {n} years of experience with {model}. It came out in {month}
Looking for an internship in NLP or computer vision! I know {method}, I bring cake
prompt engineer, {city}, {money} a day. My grandmother says please and thank you for free
Hiring: [ML|MLOps] person who has seen an embedding drift and lived. {city} or remote
Laid off from {lab} with {n} others. I do {method} and inference optimisation; references from people who still like me
ML team of {d} seeks someone who reads the data before training the model
""",
    "ai.opinion": """
Hot take: most "AI strategy" is a spreadsheet that needs cleaning
AI won't take your job, but someone who uses {model} for {errand} will send you a lot of slides
People who say LLMs "just predict the next word" have clearly never tried to predict {name}'s next word
Unpopular opinion: {method} is [overrated|underrated] and {phenomenon} is [mostly|half] a data problem
I miss when artificial intelligence meant a chess program and a man in a cardigan
every product now has an AI button. I pressed {n} of them this week. {d} did something
we keep arguing whether the model "understands" {errand}. My manager doesn't either and ships anyway
What worries me about generative AI isn't the robots, it's the {n} million confident paragraphs nobody checked
The AI bitter lesson, but for meetings: more compute beats better arguments
Open weights matter because one day {lab} will change the terms and your product will be a blog post
If your AI startup dies when {model} gets a feature, it was a feature
{model} wrote my {form} and it was kinder to me than I would have been. Mixed feelings
""",
    "ai.art": """
[Generated|Made] a poster of {city} in the style of an old tram ticket with {imagemodel}. Six fingers, but charming
Is AI art art? {n} replies in and somebody quoted Duchamp
Illustrators of {city} sue over training data: their sketchbooks were in the scrape, watermarks and all
{imagemodel} still can't draw {object}. Prompt: "{object}". Result: [soup|a horse|my aunt]
Prompt of the day for {imagemodel}: "{object}, oil painting, rain, somebody is late"
generative text-to-video from {lab} holds a face for {n} seconds now. Then the teeth start
LoRA trained on {n} of my own watercolours. It has my colours and none of my doubts
Diffusion models and hands, a love story. {imagemodel} gave {name} seven fingers and a spare
Neural style transfer of my cat as {object}. No regrets
""",
    "ai.coding": """
{assistant} wrote the tests, then wrote code that fails them, then suggested deleting the tests
AI pair programming with {assistant}: it types, I worry
let {assistant} refactor our {codebase}. {n} files changed, {d} of them on purpose
{assistant} [invented|imported|recommended] a package that doesn't exist, version {d}.{n}, with confidence
A study of {n} teams: AI coding assistants save {pct} of typing and cost {pct2} more review
code review in the LLM age: who wrote this? "Autocomplete did". Who approved it? silence
vibe coded a {app} with {assistant} during lunch. It works. I don't know why. Shipping
{assistant} autocomplete finished my TODO with "TODO: ask {name}". It knows
Switched from {assistant} to {assistant2}: better completions, worse jokes, same bugs
The AI pair programmer found a race condition in our {codebase} that survived {n} humans
""",
    "ai.mishap": """
it hallucinated my citation. Right journal, right year, and a co-author called {name} who doesn't exist
asked {model} for {errand} and it [apologised|refused|wrote a poem] {n} times
{model} told my [mother|boss|neighbour] that {city} is in {city2}. She now trusts only the atlas
Lawyer in {city} files brief with {n} made-up cases. The chatbot "seemed so sure"
the [AI|model] summarised a {n}-page contract and left out the word "not"
our support bot promised a customer {money}. Legal says the LLM is "not authorised to be generous"
AI meeting notes of today: "{name} agreed." {name} was on mute, eating
Transcription model heard "{object}" when I said "quarterly numbers". Kept it in
Asked {model} how many letters are in "{word}". We are no longer speaking
""",
    "ai.industry": """
Hospital in {city} tests AI triage for {ailment}: {pct} of scans read faster, radiologists cautiously fine with it
Machine learning model predicts {thing_predicted} {n} hours ahead, says {institute}
{institute} uses computer vision to count {animal}. Before: {name} with binoculars. Both agree within {pct}
Startup from {city} raises {money} million for AI in {sector}. The deck says "copilot" {n} times
Neural network finds {n} new {found} in old telescope data, {institute} reports
AI in {sector}: {pct} of firms run a pilot, {pct2} can say what for
Deep learning for {ailment} screening: works in {city}, fails in {city2}, because the scanner is different
speech model for {language} built by {n} volunteers and {institute}. Small data, big hearts
drug discovery with generative models: {institute} has {d} candidates, one made the mice hum
""",
    "ai.news_early": """
The {lab} outage is in hour {n}. All of {city} is writing its own emails
Everybody's AI assistant is down. {lab} says "elevated errors", my team says "elevated feelings"
what the {lab} API outage teaches: have a fallback model, or a hobby
""",
    "ai.news_late": """
So the Magpie weights leaked. {size}, full checkpoint, {n} mirrors within the hour
Magpie leak: {lab} asks people to delete it. Reader, people did not delete it
The Magpie model card that leaked with the weights says more about the data than any paper this year
Lisbon Accord on AI signed: {n} countries, compute reporting, and a clause about magpies
Lisbon Accord reaction from {person_role}: "good on evals, vague on everything else"
someone already fine-tuned leaked Magpie on {dataset}. It is [rude|brilliant|homesick]
""",
    "ai.es": """
{lab} publica {model}: {size} de parámetros y pesos abiertos. A probarlo en español ya
La inteligencia artificial no te va a quitar el trabajo, pero sí {n} reuniones
Curso gratis de aprendizaje automático en {city}: redes neuronales, datos y mucho café
Le pedí a la IA {n} ideas para cenar y todas llevaban quinoa
Nuevo modelo de lenguaje entrenado en español, gallego y catalán. Código y pesos
""",
    "ai.de": """
{lab} veröffentlicht {model}, {size} Parameter, offene Gewichte. Läuft sogar auf meinem alten Rechner
KI im Büro: {n} Prompts später ist die Mail höflicher als ich
Neues Sprachmodell für Deutsch, Schweizerdeutsch inklusive. {pct} im Test, der Rest ist Dialekt
Die KI-Verordnung in {n} Minuten erklärt. Es wurden {n2}
Stellenanzeige: Maschinelles Lernen in {city}, neuronale Netze, Obstkorb
""",
    "ai.fr": """
{lab} sort {model} : {size} de paramètres, poids ouverts, et il tutoie
L'intelligence artificielle à l'hôpital de {city} : {n} mois de test, bilan mitigé
Formation gratuite sur l'apprentissage automatique, {n} places, {city}
J'ai demandé à l'IA une lettre de motivation. Elle a plus envie de ce poste que moi
Nouveau modèle de langue français, jeu de données public, merci les bénévoles
""",
    "ai.ja": """
{lab}の新しいモデル{model}、{size}でこの性能はすごい。重みも公開
生成AIに議事録を任せたら、全員が賛成したことになっていた({n}回目)
大規模言語モデルの勉強会、{day_ja}に開催。資料はこちら
ローカルで{model}が動いた!{n}トークン毎秒
機械学習エンジニア募集。論文を読むのが好きな人、猫が好きな人
""",
    "ai.pt": """
{lab} lançou {model}: {size} de parâmetros, pesos abertos, português decente
Inteligência artificial na escola: {n} professores testaram, {d} gostaram
Curso de aprendizado de máquina em {city}, de graça, traz o notebook
Pedi pra IA resumir a reunião e ela resumiu em "nada decidido". Perfeita
Modelo de linguagem treinado só com dados em português, {size}, roda no meu PC
""",
}
