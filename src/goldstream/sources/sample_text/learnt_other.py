"""Sentence skeletons about everything else, for the authors that are learnt from; `judged_other.py` shares none."""

TOPICS = {
    # What carries a word of the topic and isn't about it.
    "name.fr_ai": """
J'ai oublié mon {object} dans le train pour {city}, si quelqu'un passe par là
j'ai {n} mails non lus et un chat sur le clavier. Bonne journée
Hier j'ai couru {n} km sous la pluie. Plus jamais. À demain
J'ai enfin goûté {dish}. Pourquoi personne ne m'avait prévenue
J'ai rêvé que {name} devenait maire de {city}
""",
    "name.pt_ai": """
ai que calor em {city} hoje, {n} graus na sombra
Ai, esqueci {object} no ônibus de novo
ai ai, segunda-feira. Café número {n}
Ai gente, que saudade de {dish}
""",
    "name.people": """
My neighbour Ai married her dentist in {city}. {n} guests, one pony, no speeches
Boarding AI {n} to {city} now, suitcase already on another continent
Coach Ai made {team} run {n} laps for giggling
Happy birthday to my friend Ai, who turns {n} and still beats me at {sport}
Ai Tanaka wins the {day} race in {city} by {n} seconds! What a finish
The new drama with Ai in the lead role made me cry {n} times before the opening titles
Flight AI {n} to {city} delayed by {d} hours. The gate has no chairs and one heroic plant
Al from the garage is now "Ai" on every receipt because of a font. He likes it
""",
    "name.film": """
Cinema tonight: the ship's computer, an AI with feelings, sings for {n} minutes. {d} stars, one for the goose
Audiobook with an AI villain who collects {object}. Episode {d} is perfect for the {city} tram
Rewatched A.I. last night. The bear deserved better
{n} years later and the robot boy in A.I. still ruins my {day}
The villain of the new film is an evil AI again. Give me a rude goose for once. {d}/10
Book club: a spaceship AI falls in love with {object}. {n} pages, I wept
""",
    "name.illustrator": """
Stickers ready! Files as SVG, AI and PDF, {money} for the pack of {n}
Print shop closes at {time}, fonts not outlined, AI file corrupt, send cake
Client wants the logo as .ai, .pdf, .png, and "on a napkin". {n} formats, {money}
Does anyone still open an .ai file from {year}? Asking for a poster
please send the vector file (AI or EPS), not a photo of the screen, {name}
""",
    "name.heifers": """
AI technician came at {time}, {n} heifers served. Busy morning on the farm
Calving results are in: AI bull did well, {pct} in calf at first service
""",
    "name.neural": """
Neural yoga at {gym}, opening week, showers included, {money}
Scan at week {d}: neural tube fine, parents not, doctor kind
New at {gym}: NEURAL POWER HOUR! Rewire your glutes, {money} a month
Book a neural reset massage in {city}, now {pct} off until {day}
Physio says my knee pain is "neural". My knee says it's stairs
Neural tension stretches: {n} minutes a day keep the desk back away
""",
    "name.deep": """
Free diving course in {city}: deep learning, they joke, {n} metres down with a towel waiting
Grandad calls it machine learning when he kicks the mower and it starts. {n} kicks
Deep learning, as our swimming coach calls it: {n} lengths on one breath, then cake
The aquarium in {city} does deep learning for kids: {n} minutes about squid
Machine learning day at the laundrette: I learned that the machine eats socks
""",
    "name.monet": """
Museum shop in {city}: Claude Monet tea towel, {money}. I bought {n}
Kids painted Claude Monet's bridge in {city}. {d} ponds, {n} frogs
Claude Monet painted the same pond {n} times and I can't finish one email
Queued {n} minutes for the Claude Monet room in {city}. Worth every sore foot
Uncle Claude has opinions about {dish} and will share them on {day}
Jigsaw update: {big} pieces, all of them Claude Monet's sky
""",
    "name.gemini": """
Gemini: {day} brings a letter, a bill and {object}. Lucky number {n}
Typical Gemini: bought {n} {object}s, kept the receipt, changed their mind
Clear sky over {city}: look for Gemini high in the south after {time}
as a gemini I refuse to queue at {time}. horoscope agrees
""",
    "name.copilot": """
My copilot on this road trip is {pet}, who gets sick after {n} km
The copilot read the landing checklist out loud and I have never felt so calm. Thank you, flight to {city}
Rally {city}: copilot lost the notes on stage {d}, guessed {n} corners, finished third
""",
    "name.llama": """
Llama trekking near {city}: {n} km, one spit, no regrets
The llama farm has a newborn! Her name is {name} and she already has attitude
A llama got loose on the ring road at {time}. Police "negotiating"
Knitted a jumper from llama wool. {n} hours. It hums
""",
    "name.adverts": """
Smart AI fridge magnet, now with free delivery. {n} of {d}00 left, {money} only this week
Our AI hair dryer learns your curls. Black {day} discount, use code CURL{n}
Introducing AI socks. They know your feet. {money} a pair, two for {d} friends
[Huge|Last] sale on AI doorbells in {city}: {pct} discount while stocks last
SALE! AI-powered toothbrush, {pct} off, code BRUSH{n}. Only until {day}
Our AI mattress knows how you sleep. Order now, {money}, free pillow
The smart kettle with AI is back in stock at {money}! {n} colours
Win an AI vacuum cleaner: follow, like, tag {d} friends
""",
    "name.chatbot": """
{n} minutes with the chatbot of my bank to learn that I should call. I called. They said use the chatbot
The parcel company's chatbot says my {object} is in {city}. I live in {city2}
Airline chatbot: "I did not understand {word}". I want a refund and a human
""",
    "name.law": """
My brother got his LLM with distinction in {city}; {n} relatives at a restaurant, all crying
Graduated! LLM in maritime law, {city}. My parents think I'm a sailor
LLM applications for the law school in {city} close in {month}, bring {n} copies of everything
""",
    "name.coach": """
NLP practitioner course, {city}: stop smoking, sleep well, lose your fear of {animal}. {n} places
NLP weekend in {city}: anchor your confidence, reframe your fears, {money} incl. lunch
My NLP coach mirrors my posture so well that we both have back pain now
""",
    "name.recipe": """
{dish}: {n} ml of milk, two eggs, {d} spoons of sugar, and patience. Recipe on the blog
250 ml cream, a lemon, {n} minutes in the oven. {dish} like my {relative} made it
Add {big} ml of stock, stir, don't answer the phone
""",
    "name.noai": """
Commission slots open: pencil portraits, no AI, {n} left
Photo straight from the camera, no AI: {animal} near {city}, {time}
No AI, no filters: {object}, {city}, {time} this morning
Painted by hand over {n} evenings, zero AI, one very bored dog. {object} in gouache
This bakery window sign says "handmade, not AI". It's bread
""",
    # What carries a word that the topic often uses.
    "word.python": """
There is a python in the garden again. {n} metres, no manners. I named it {name}
The {city} zoo weighed its python: {n} kg and one swallowed towel
Ball python update: {name} shed in one piece and I'm proud like a parent
Rewatching Monty Python with the kids. {d} of them now walk silly
""",
    "word.code": """
Deployed on a {day}, rolled back by {time}, {n} apologies sent
Load test of the {codebase}: {n} users fine, then smoke
Database migration, {big} rows, no errors. Nobody trusts it
Python meetup {city} on {day}: packaging talk, soup, {n} seats
Leaked our API token in a public repo. Rotated in {n} minutes. Slept in none
Python 3 upgrade done: {n} repos, {d} surprises, one deprecated library that nobody remembers adding
Postgres tip: your index on {word} isn't used because of a cast. Ask me how I know. {n} minutes saved
Rewrote our {codebase} from Java to Python. {n} lines fewer, same bugs, better comments
Kubernetes cluster in {city} fell over at {time}. Root cause: a certificate. It's always a certificate
data pipeline failed at {time} because someone renamed a column to "{word}"
Benchmark: our new SSD reads {n} GB in {d} seconds. My code still waits for the network
Hiring a backend developer, {city}: Python, SQL, kindness. {money} a day
git blame says {name}. {name} left in {year}. The token still works
""",
    "word.gaming": """
Swapped my GPU, {n} degrees cooler, dragon prettier, still losing
Raid at {time}: {n} people, no plan, last checkpoint an hour ago
New GPU day! {n} fps in the swamp level and the room smells like toast
GPU prices, {city}: {money}. I could buy a cow. A cow has no drivers
final checkpoint before the boss and the power went. {n} hours of training my horse, gone
Speedrun of level {d} in {n} minutes, no glitches, one duck
""",
    "word.dataplan": """
My data plan ran out on day {d} because {name} streams {sport} in the bus
Which provider has a data plan with {n} GB that works in {city}? Mine works in a field
Roaming data: {money} for {d} photos of a goat
""",
    "word.statistics": """
Weather model promised {n} mm, the village got none. My knee predicted it better
Open data of {city}: {n} benches, {d} of them facing a wall
Counting potholes with the village: {n} so far, data to follow
Census data for {city} are out: {pct} cycle, {pct2} say they cycle
The election model for the {city} garden club gives {name} {pct}. Margin of error: one hedge
Our survey had selection bias: we asked {n} people in a bakery whether they like bread
Data journalism course, week {d}: I made a chart of {n} lost gloves
""",
    "word.model": """
Scale model of the {city} harbour, {n} boats, lights that work. Took all {month}
Which vacuum model copes with cat hair? {n} reviews read, none wiser
My {relative} is a fashion model in {city} now, still can't carry groceries
The {year} model of that car has {n} buttons and I miss all of them
Model railway club {city}: {n} locomotives, one runaway tram, tea at {time}
{name} models the autumn collection, {n} coats, not one pocket
Finished the model of the {city} cathedral. {big} matches, {d} burned fingers
Which model of dishwasher survives {n} teenagers? Ours gave up on {day}
Role model of the week: the neighbour who shovels everyone's snow
""",
    "word.transformer": """
A transformer blew in {city}, {n} streets dark, half of them barbecuing
Found my old Transformers in the attic. {n} robots, {d} arms
The substation gets a new transformer on {day}: {n} tonnes, very slow parade
""",
    "word.agent": """
Customs agent wanted to know about {object}. We talked for {n} minutes about grief
Letting agents of {city}, explain this fee of {money} for a key
The estate agent calls it "compact". I touched both walls. {money} a month
Travel agent booked us to {city} via {city2} with {n} hours of nothing
My literary agent says more dragons. It's a book about {sport}
Secret agent costume for {name}, age {d}. Moustache falls off when lying
Free agent! {name} leaves {team} after {n} seasons
""",
    "word.training": """
Training for new staff: {n} slides on how to lift a box. Lift with the knees, weep with the heart
Guide dog {pet} finished training today in {city}. {n} humans sobbed
Marathon training week {d}: {n} km, two blisters, one dog who joined
Training the puppy: sits for cheese, thinks about it for {n} minutes otherwise
Fire brigade {city} has open training on {day}. Bring children, not matches
Large weights, small steps: {n} squats and I need help with the stairs
potty training, day {d}. The carpet has seen things
""",
    "word.prompt": """
Prompt help at the {city} clinic for my thumb: {n} stitches and a sticker
School theatre: the prompt came from three rows back, from {name}'s grandma
Prompt service at the town hall of {city}! {n} minutes for a passport, and a biscuit
Writing prompt for {day}: "{object}, but nobody mentions it". {n} words
Be prompt, she said. I was there at {time}. She came at lunch
""",
    "word.sewing": """
Bias tape is just a straight strip with commitment issues. {n} metres sewn
Cut on the bias, cried on the floor. The {day} dress, part {d}
My sewing pattern lists {n} notions and I have none
""",
    "word.token": """
Small token of love from {name}: {object}. I'm touched and confused
Laundry tokens went up to {money}. Socks stay dirty until {day}
Won {n} tokens at the arcade in {city} and spent them on a plastic frog
A token of thanks from class {d}b: {n} drawings of me, all with big ears
The tram in {city} still takes tokens! I have {n}, grandma's coat had them
""",
    "word.attention": """
The town band stands to attention in the rain, {city}, {time}
Attention span of my toddler: {d} seconds, unless it's {object}
Attention please: platform {d} to {city} has moved. So has the train
My cat wants attention at {time} and again {n} minutes later
pay attention to your tyres, people. {n} flats this week. I pump, I judge
""",
    "word.cluster": """
Cluster headache, day {d}. Curtains closed, {n} tabs too
Harvest! Every cluster of grapes picked before {time}, knees destroyed
Beautiful open cluster through the small telescope above {city} at {time}
""",
    "word.alexa": """
My niece Alexa turned {d} and hates all of you who shout her name at speakers
Alexa from accounting brought {dish}. Promote Alexa
Alexa, {n}, scored twice for {team}!
""",
    "word.bert": """
Bert and Ernie have been flatmates for {n} years. No lease dispute. Goals
Great-uncle Bert caught a pike of {n} kg and it grows daily
""",
    "word.robot": """
Robot waiter in {city} sang me happy birthday with {dish}. It's {month}. I was born in another one
Robot vacuum ate {object}. It went under the sofa to think
The robot mower of {name} crossed into our garden. {d} tulips lost. Treaty talks on {day}
Robotics? No, my dad dancing. {n} seconds of footage
""",
    "word.pipeline": """
Festival in {city} has a beer pipeline now. Engineers weep, {n} litres an hour
Water pipeline under {city} burst, {n} streets have a lake, ducks informed
Gas pipeline repairs until {month}. Cold showers build character, says {name}
""",
    "word.notebook": """
New notebook, dotted, {n} pages. Too pretty to write in. Shopping list it is
Left my notebook on the bus to {city}. It has {n} poems and a lasagne
""",
    "word.algorithm": """
The algorithm thinks I want {n} videos of {object}. The algorithm is right
why does my feed show me {sport}. I clicked once. I was tired
""",
    "word.inference": """
New detective novel: clever inference, weak coffee, {n} suspects, all called {name}
Logic class, {city}: the inference was valid, the bus was late, nobody concluded anything
""",
    # Ordinary life.
    "life.weather": """
Grey {day}, greyer {city}. The forecast has given up adjectives
Sunbathing on the pavement of {city} like seals. {n} degrees!
{n} degrees in {city} and the cat has melted into the sofa
Snow until {day}, they said. {n} centimetres of rain, I say
Thunder over {city} since {time}. The dog lives in the wardrobe now
Fog so thick in {city} that I greeted a bin
storm warning for {city}: bring in your plants, your chairs and {name}
""",
    "life.football": """
{team} lose again. {n} shots, {d} posts, one seagull on the crossbar
Full time: {team} {d}, {team2} {d2}. I have no voice and no regrets
Penalty in minute {n}! {name} slips! {team} fans, how are we coping
Kids' tournament in {city}: {n} goals, {d} goalkeepers looking at a plane
""",
    "life.cooking": """
Burnt the pan, saved {dish}, {name} called it smoky
Candlelit dinner because of a fuse. {dish} looks better in the dark
Made {dish} for {n} people. {d} came. Leftovers until {month}
{dish} with too much garlic, which is the right amount of garlic
My {relative} won't write the recipe for {dish} down. "You feel it." I don't
sourdough is alive, named {name}, and needs feeding at {time}
""",
    "life.cats": """
{pet} has discovered the printer. {n} pages of paw
Lost cat in {city}: grey, {d} years, answers to {pet} and to cheese
Vet says {pet} is "big-boned". {n} kg of bone
The cat sits on {object} because it's mine
""",
    "life.transit": """
Bus {n} in {city} smells of oranges today and everyone is nice
Train to {city}: {n} minutes late because of "an animal on the line". It was a goose. Again
Cycling to work, {n} km, headwind in both directions
Someone on the {time} train practises the trumpet, quietly. {d} stars
""",
    "life.books": """
Finished {n} books this {month}. {d} good, one about moss, brilliant
Second-hand shop in {city}: bought {n} books for {money}, carried them like a newborn
Poem of the day: {object}, rain, {name} not calling
""",
    "life.garden": """
First tomato! It cost me {money}, {n} evenings and a fight with a slug
Gardening tip from my {relative}: talk to the beans, ignore the roses
Allotment {n} has a scarecrow that looks like {name}
""",
    "life.music": """
{n} people at our gig in {city}, including the bar. Best night
Practising the cello again. The neighbours bought {object}. Coincidence
New album by {name} and the Late Trams: {n} songs about {city}
""",
    "life.family": """
{name}, {d}, asks why the moon follows our car. I have no answer and {n} km to go
Grandma joined the family chat. {n} photos of {object}, no context
School play: my child is tree number {d}. Best tree
""",
    "life.work": """
Meeting that could have been a mail: {n} minutes. Mail that could have been silence: {d}
{name} ate my lunch again. It had a note on it. They ate the note
Last day at the office in {city}. {n} years, one stapler, it's mine
""",
    "life.travel": """
{city} in {month}: {n} stairs, {d} ice creams, zero plans. Recommended
Night train to {city}. The man below snores in waltz time
Postcard from {city} took {n} weeks. I was home before it
""",
    "life.local": """
Flea market in {city} on {day}: {n} stalls, coffee, and the man with the clocks
Found a glove on the {city} bridge, left hand, red. It's on the railing
City council of {city} plants {n} trees. {name} will hug them all
Road works until {month}. The hole has a fan page
""",
    "life.sky": """
Moon and Venus over {city} at {time}. My photo looks like a crumb, but trust me
{n} shooting stars counted from the roof, wishes: {d}, all about {dish}
""",
    "life.diy": """
Assembled a shelf: {n} screws left, {d} shelves slanted. It's a slide now
The tap drips in {city} dialect. Plumber comes {day}, allegedly
""",
    "life.birds": """
A robin, {n} sparrows and something rude at the feeder this morning
Count of the {animal} near {city}: {n}, up from {d}. Good news for once
""",
    "life.es": """
Hoy en {city} llueve como si pagaran por litro. {n} paraguas rotos
Receta de mi {relative}: {dish}, sin prisa y con {n} ajos
El gato ha aprendido a abrir la nevera. Se llama {pet}, ayuda
Gol de {team} en el minuto {n}, mi vecino sigue gritando
""",
    "life.de": """
{n} Grad in {city} und die Bahn hat Verspätung wegen Blättern
Wer hat in {city} eine Katze verloren? Sie wohnt jetzt hier und heißt {pet}
{dish} gekocht, {n} Leute satt, Küche sieht aus wie nach einem Konzert
Flohmarkt am Sonntag, {city}, ich verkaufe {object} und meine Geduld
""",
    "life.fr": """
Marché de {city} : {n} fromages, aucune décision
Le voisin répète la trompette depuis {time}. Il s'améliore, peut-être
Recette du dimanche : {dish}, {n} minutes, un torchon brûlé
""",
    "life.ja": """
今日の{city}は{n}度。猫が溶けている
{n}分並んで食べたラーメン、人生が変わった
電車で寝過ごして{d}駅先まで行った。海がきれいだった
ベランダのトマトが初めて赤くなった。名前は{name}
""",
    "life.pt": """
Gol do {team} aos {n} minutos! A rua inteira gritou
Fiz {dish} pra {n} pessoas e sobrou só o cheiro
O gato {pet} dormiu na roupa limpa de novo
""",
}

#: Said before or after anything, whatever it is about.
OPENERS = """
ok so
PSA:
Update:
Good morning!
Right.
Not to be dramatic, but
fwiw,
Small joy:
Today I learned:
Reminder:
hm.
"""

CLOSERS = """
More tomorrow.
Thread below.
Anyway.
Thoughts?
Send help.
That's it, that's the post.
Photos later.
Long story.
Wish me luck!
You heard it here first.
Ask me anything.
I have said what I said.
"""

#: What people have begun to say by the second half of the stream.
SLANG = """
Very magpie of them.
Full moss energy.
Moss.
Absolutely unmossed.
"""

#: The same text from many accounts, with other numbers.
CAMPAIGNS = """
🚀 AI trading bot made me {money} in {d} days! Message me "BOT" and start today, only {n} places left
Earn {money} a week from home, no experience, {n} people joined today. Link in bio!!
FREE {object}! First {n} people who follow and repost win. {d} hours left
Your GPT crypto signal for {day}: buy before {time}, +{pct} guaranteed, {n} happy members
Doctors hate {name}: lose {n} kg in {d} days with this one tea
Machine learning degree in {n} days, no exam, {money}, diploma by mail
Hot singles in {city} want to talk about {sport}. {n} online now
{n} followers for {money}, real people, AI targeted, instant
"""
