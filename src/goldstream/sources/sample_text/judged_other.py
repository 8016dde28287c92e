"""Sentence skeletons about everything else, for the authors by whom models are judged; none is in `learnt_other.py`."""

TOPICS = {
    "name.fr_ai": """
Ce matin j'ai parlé à {n} pigeons et un seul m'a répondu
J'ai perdu au jeu de cartes contre ma {relative}, {n} fois de suite
Pardon pour le retard, j'ai suivi un canard jusqu'à {city}
J'ai cassé {object}. C'était un cadeau de {name}. Que faire
""",
    "name.pt_ai": """
Ai, meu joelho. {n} anos e já range feito porta
ai se eu te contar o que {name} fez com {object}
Vizinho com furadeira às {time}, ai que vontade de mudar
""",
    "name.people": """
Ai and {name} got married in {city}! {n} guests and a very nervous pony
Coach Ai says stretch first. {team} did not stretch first
Anyone on AI {n} from {city}? My suitcase went without me
""",
    "name.film": """
Saw the space film where the ship's AI sulks for {n} minutes. So relatable, {d} stars
Cinema {city} shows A.I. on {day} with live piano. Tissues provided
Audio drama, episode {d}: the lighthouse AI writes letters to {object}
""",
    "name.illustrator": """
The printer in {city} only takes AI files with outlined fonts. It's {time}. Fonts aren't outlined
Sticker shop open! Designs come as SVG or AI, {money} for {n}
""",
    "name.heifers": """
Vet talk at the village hall: AI versus natural service in goats, {day}, {time}, biscuits
""",
    "name.neural": """
Opening week at {gym}: neural cycling, neural yoga, normal showers. {money}
Neural tube, week {d} scan: everything fine. We cried, the doctor pretended not to
""",
    "name.deep": """
Free diving club: deep learning starts at {n} metres, towels at zero
Grandad's machine learning: he hit the washing machine at {time} until it learned
""",
    "name.monet": """
Tea towel with Claude Monet's bridge, {money}, bought {n}, need none
Kids copy Claude Monet at the museum in {city}: {n} ponds, {d} of them with sharks
St. Claude's day market in {city}, mulled wine, no plans
""",
    "name.gemini": """
Moon in Gemini, Mercury doing its thing, me buying {object} at {time}
Twins born at the {city} clinic: both Gemini, both loud, {n} minutes apart
""",
    "name.copilot": """
{relative} as copilot: map upside down, {n} opinions, one sandwich
Learning to glide above {city}. My copilot sings when it gets bumpy
""",
    "name.llama": """
Our village nativity play has a llama because {name} knows a guy
{n} llamas in hats at the {city} fair. Best of show: the one that ate the ribbon
""",
    "name.adverts": """
Introducing the AI umbrella: it tells you that it rains. {money}. Free delivery to {city}
Last chance, {pct} discount on AI cat feeders! Use code {word}{n}
""",
    "name.chatbot": """
Gas company chatbot and I have been talking for {n} minutes. I think it likes me. No gas though
The council's chatbot wished me happy birthday while I reported a pothole
""",
    "name.law": """
My sister finished her LLM in {city}, human rights with distinction. {n} relatives crying in a restaurant
""",
    "name.coach": """
Certified NLP practitioner, {n} years in {city}: quit smoking, fear of {animal}, procrastination
""",
    "name.recipe": """
For the dough: {n} g flour, 125 ml water, rest it like you would a toddler. Then {dish}
Cocktail hour: 40 ml gin, 20 ml lemon, {name} singing
""",
    "name.noai": """
Commissions open, ink and pencil, AI free, {n} slots, {object}s a speciality
Straight from the camera, without AI: {animal} at {time} near {city}
""",
    "word.python": """
Neighbour's python came through our cat flap. {pet} moved out, the python moved in
Reptile fair in {city}: {n} pythons, a tortoise named {name}, one lost child (found)
""",
    "word.code": """
Deploy on a {day}: {n} errors, {d} apologies, one rollback, home by {time}
Three hours on a bug in our {codebase}; it was a space in a YAML file
Our Python meetup in {city} has {n} seats and excellent soup. Topic: packaging, again
Database migration of {big} rows went fine. I distrust it
Someone pushed an API token to the public repo. It was me. It's always {time}
Load test: the {codebase} holds {n} users, then tells them about {object}
""",
    "word.gaming": """
Swapped the GPU and now the dragon has {n} more hairs. Worth {money}
Raid night: {n} people, one plan, {d} survivors. Checkpoint? What checkpoint
""",
    "word.dataplan": """
Called my provider about the data plan: {n} minutes of flute music and a new data plan
{n} GB for {money}? In {city} you get a pizza for that, and it loads faster
""",
    "word.statistics": """
The village counted its potholes: {n}. Open data, finally. {d} have names
Weather model says {n} mm, my knee says {n2}. The knee has the better record
""",
    "word.model": """
Scale model of {city} harbour: {n} boats, working lights, a tiny me
Street casting in {city}: my {relative} is a model now and won't carry groceries
Anybody know a vacuum model that can cope with {n} cats?
""",
    "word.transformer": """
Humming transformer next to our bedroom. I've begun to hum back, {n} Hz
{name} wants a Transformer for the birthday, the truck one, or a goat
""",
    "word.agent": """
Letting agent wants {money} for "admin". I want {n} hours of my life back
{team} striker's agent seen in {city}. Panic, or a holiday
Customs agent asked about the {object}. I told the truth. Longest {n} minutes ever
""",
    "word.training": """
Half marathon in {city}: {n} weeks of training, beaten by a man in a lobster suit
New staff training: {d} slides about lifting boxes, nobody lifted a box
Guide dog training graduation! {pet} passed, {name} (human) cried
""",
    "word.prompt": """
Thanks {city} hospital for the prompt help with my thumb. {n} stitches, zero drama
Theatre night: the prompt was louder than {name}
""",
    "word.sewing": """
{n} evenings on a quilt; the bias binding has won {d} of them
""",
    "word.token": """
Laundry tokens: {money} for {n}. Socks are a luxury
Gave {name} a small token of love. It was {object}. Mixed reviews
""",
    "word.attention": """
Standing to attention in the rain, town band of {city}, minute {n}
The toddler's attention span is {d} seconds, mine is {d2}
""",
    "word.cluster": """
A cluster of {n} ladybirds lives in my window frame. I pay rent, they don't
""",
    "word.alexa": """
Told my boss Alexa that the speaker answers to her. {n} people now whisper in our office
""",
    "word.bert": """
Old Bert from the bakery retires after {n} years. {city} will have worse mornings
""",
    "word.robot": """
The restaurant in {city} has a robot waiter. It brought {dish} to the wrong table and sang
""",
    "word.pipeline": """
Beer pipeline at the {city} festival: {n} litres an hour and one very proud engineer
""",
    "word.notebook": """
Waterproof notebook tested: {n} minutes in the bath, still says "buy milk"
""",
    "word.algorithm": """
Dating app algorithm matched me with {name}. Again. We have {n} cousins in common
""",
    "word.inference": """
By inference, whoever finished the {dish} has a fork. {n} suspects, one of them {pet}
""",
    "life.weather": """
Umbrella number {n} of this {month} has left me. Windy in {city}
Sun! In {city}! People are lying on the pavement like seals
Frost on the windscreen, scraped with a library card
Forecast for {day}: grey, then other grey
""",
    "life.football": """
{name} scores from {n} metres and runs into the wrong crowd. {team} forever
Derby day in {city}. My {relative} wears the lucky socks from {year}
Referee in minute {n}, {team} in despair, sausage excellent
""",
    "life.cooking": """
Tonight: {dish}, by candlelight, because of the fuse
Pan too hot, {name} too confident, {dish} too black
{n} dumplings folded, {d} still shut. Dinner at {time}, allegedly
""",
    "life.cats": """
Woke at {time} because {pet} was looking at me. Just looking
New kitten {pet} meets old cat. Negotiations in the hallway, day {d}
""",
    "life.transit": """
Tram driver in {city} waited for a running grandma; whole tram applauded
Missed the last bus, walked {n} km, met a hedgehog. Good evening, all in all
""",
    "life.books": """
Library fine: {money}. The book: "Being on time"
Reading aloud to {name}, chapter {d}, with all the voices. I do a great badger
""",
    "life.garden": """
Planted {n} tulips, squirrels planted them elsewhere
Compost update: warm, smug, visited by {animal}
""",
    "life.music": """
Choir rehearsal: {n} sopranos, two tenors, a draught
Busker on {city} square plays the same {d} songs and I love {d2} of them
""",
    "life.family": """
My {relative} discovered voice messages. {n} minutes about {dish}
{name} lost a tooth and wants {money} for it. Inflation
""",
    "life.work": """
Fire drill at {time}: {n} colleagues, {d} coats, someone saved the cake
First day in the new job. I know where the kettle is. Enough for today
""",
    "life.travel": """
Lost in {city} on purpose. Found {dish}, a cobbler and the sea
{n} hours at the border, a harmonica was involved
""",
    "life.local": """
Street party in {city}: {n} tables, one very long argument about shade
The fountain in {city} is on again. Children wet, parents resigned
""",
    "life.sky": """
Partial eclipse from the {city} car park, {n} strangers sharing one colander
""",
    "life.diy": """
Painted the door. Colour was called "{object} at dusk". It's brown
""",
    "life.birds": """
Owl in the chimney, {n} nights running. We've begun to talk
""",
    "life.es": """
Mi {relative} ha ganado al dominó {n} veces y lo cuenta en el pan
Se vende {object}, poco uso, mucha historia. {city}
Paseo por {city} con {pet}: {n} pasos, {d} siestas
""",
    "life.de": """
Der Nachbar mäht seit {time}. Der Rasen ist weg, er mäht weiter
Oma strickt {n} Schals für {team}. Wir haben Juli
""",
    "life.fr": """
Vide-grenier à {city} : acheté {object}, revendu {object2}, bilan nul
Mon {relative} chante sous la douche depuis {n} minutes, l'eau est froide
""",
    "life.ja": """
祖母から野菜が{n}キロ届いた。冷蔵庫は一つしかない
{city}の古本屋で{n}時間。買ったのは一冊
""",
    "life.pt": """
Chuva em {city}, {n} guarda-chuvas vendidos na minha frente, nenhum pra mim
Minha {relative} mandou áudio de {n} minutos sobre {dish}
""",
}

OPENERS = """
Listen,
News from me:
Okay!
In case you missed it:
True story.
Dear diary,
Evening all.
Note to self:
so, um,
"""

CLOSERS = """
Carry on.
No further questions.
What a day.
Tell a friend.
I'll be outside.
To be continued.
Make of it what you will.
Back to it.
Not sponsored.
"""

SLANG = """
Peak moss.
I am so mossed right now.
That's magpie behaviour.
"""
