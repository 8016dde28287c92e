-- Everything that goldstream keeps, as of the newest migration (a test holds the two equal).
-- PostgreSQL 15 or later, no extension. Created inside the schema that the settings name; search_path points there.

CREATE TABLE migrations (
    name        text PRIMARY KEY,
    applied_at  timestamptz NOT NULL DEFAULT now()
);

-- The log -------------------------------------------------------------------------------------------------------

-- One row for each log. The row's lock, held to commit, gives out positions: their order is the order of visibility.
CREATE TABLE logs (
    log            text PRIMARY KEY,
    identity       uuid NOT NULL DEFAULT gen_random_uuid(),
    start_position bigint NOT NULL DEFAULT 0,
    next_position  bigint NOT NULL DEFAULT 0,
    last_batch_at  timestamptz
);

-- One row for each append: the posts as an Arrow IPC stream, at positions first_position … first_position + posts - 1.
CREATE TABLE log_batches (
    log            text NOT NULL REFERENCES logs,
    first_position bigint NOT NULL,
    posts          integer NOT NULL CHECK (posts > 0),
    source         text NOT NULL,
    appended_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    payload        bytea NOT NULL,
    PRIMARY KEY (log, first_position)
);
ALTER TABLE log_batches ALTER COLUMN payload SET STORAGE EXTERNAL;

-- Where a source has got to; written in the transaction that appends its posts.
CREATE TABLE cursors (
    log        text NOT NULL REFERENCES logs,
    source     text NOT NULL,
    cursor     text,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (log, source)
);

-- The number of a partition of Kafka, as `positions` and `predictions` have it: its own for ever, also when the topic is made
-- anew under the same name, so that no two positions are ever the same. 0 is the embedded log.
CREATE TABLE log_partitions (
    number    integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic     text NOT NULL,
    topic_id  text NOT NULL,
    partition integer NOT NULL,
    UNIQUE (topic_id, partition)
);

-- Where a reader has got to; written in the transaction that writes its results. Taking over raises the epoch.
CREATE TABLE positions (
    reader     text NOT NULL,
    log        text NOT NULL,    -- the log's identity: a log made anew is another log
    partition  integer NOT NULL,
    position   bigint NOT NULL DEFAULT 0,
    epoch      bigint NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (reader, log, partition)
);

-- What did not become a post, or what a step refused.
CREATE TABLE dead_letters (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stage       text NOT NULL,   -- source, classify, collect …
    source      text NOT NULL,
    reason      text NOT NULL,
    payload     bytea NOT NULL,  -- as it came, or the post as JSON
    place       text,            -- file and line, offset, position
    headers     jsonb,           -- of the message on Kafka
    post_id     text,
    author      text,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    replayed_at timestamptz
);
CREATE INDEX ON dead_letters (post_id) WHERE post_id IS NOT NULL;
CREATE INDEX ON dead_letters (source, md5(payload));

-- Deletions: what is left of a deleted post, so that a deletion that overtakes its post still wins.
CREATE TABLE tombstones (
    post_id  text PRIMARY KEY,
    revision bigint NOT NULL,
    at       timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE forgotten_authors (
    source   text NOT NULL,
    author   text NOT NULL,
    revision bigint NOT NULL,    -- posts by the author up to this revision are forgotten
    at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (source, author)
);

-- Edits that are not stored as candidates: the newest revision of the post, so that an older one which comes late stays out.
CREATE TABLE edits (
    post_id  text PRIMARY KEY,
    revision bigint NOT NULL
);

-- Models --------------------------------------------------------------------------------------------------------

CREATE TABLE models (
    version    integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    labels     text[] NOT NULL,
    threshold  real NOT NULL,
    sha256     text NOT NULL,
    evidence   jsonb NOT NULL
);
CREATE TABLE model_chunks (
    sha256 text NOT NULL,
    number integer NOT NULL,
    bytes  bytea NOT NULL,
    PRIMARY KEY (sha256, number)
);
ALTER TABLE model_chunks ALTER COLUMN bytes SET STORAGE EXTERNAL;

CREATE TABLE alias_moves (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    alias  text NOT NULL,
    before integer REFERENCES models,
    after  integer REFERENCES models,
    undoes bigint REFERENCES alias_moves,  -- a rollback names the move that it takes back
    who    text NOT NULL,
    why    text NOT NULL
);
CREATE INDEX ON alias_moves (alias, id);

-- Versions that somebody who follows an alias would not take over, and why; what answered before went on. Only ever added to.
CREATE TABLE alias_refusals (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    alias   text NOT NULL,
    stays   integer,          -- the version that goes on; null where there is none
    version integer NOT NULL, -- the one that was refused
    who     text NOT NULL,    -- part, machine and process
    why     text NOT NULL
);

-- Moves of the threshold that decides what is kept, for one version or for all of them; null means "what was chosen on dev
-- when it was trained".
CREATE TABLE threshold_moves (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    version   integer REFERENCES models,
    threshold real CHECK (threshold BETWEEN 0 AND 1),
    who       text NOT NULL,
    why       text NOT NULL
);

-- The threshold in force for each version: that of the newest move about it. `OFFSET 0` has it looked up once for each
-- version, and not for each post.
CREATE VIEW thresholds AS
    SELECT version, coalesce((SELECT m.threshold FROM threshold_moves m
                              WHERE m.version IS NULL OR m.version = models.version ORDER BY m.id DESC LIMIT 1),
                             models.threshold) AS threshold
    FROM models OFFSET 0;

-- Trials of a version on live requests, only ever added to; the newest row counts. A shadow is scored beside the champion
-- and never answers; a canary answers its share of the requests.
CREATE TABLE trials (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind    text NOT NULL CHECK (kind IN ('shadow', 'canary', 'none')),
    version integer,
    share   real NOT NULL CHECK (share BETWEEN 0 AND 1),
    who     text NOT NULL,
    why     text NOT NULL
);
-- What every serving process has seen of a trial: its own totals, written over again and again (store/trial_counts.py).
CREATE TABLE trial_counts (
    trial   bigint NOT NULL REFERENCES trials,
    process uuid NOT NULL,
    counts  jsonb NOT NULL,
    PRIMARY KEY (trial, process)
);
-- What a shadow says of the stream: one row for each position that its reader has passed, unique by construction as those of
-- `predictions` are, and to be laid beside them. Null where nothing was scored. A row holds no text and no id.
CREATE TABLE shadow_predictions (
    trial       bigint NOT NULL,
    partition   integer NOT NULL,
    position    bigint NOT NULL,
    label       text,
    probability real,            -- of the label that the project keeps
    version     integer,         -- of the model
    at          timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON shadow_predictions USING brin (position);

-- What serving answered. No reference to models: an answer is written behind, a swap later.
CREATE TABLE served_predictions (
    id          uuid PRIMARY KEY, -- version 7: sorts by time
    at          timestamptz NOT NULL,
    text        text,             -- null when the settings do not keep it
    text_sha256 bytea,
    label       text NOT NULL,
    probability real NOT NULL,    -- of that label
    version     integer NOT NULL  -- of the model
);

-- Classified posts ----------------------------------------------------------------------------------------------

-- One row for each position that a reader has passed. (reader, partition, position) is unique by construction: rows come
-- with the compare-and-set of the position, see docs/explanation/exactly-once.md. A unique index would halve the speed, and
-- let a stalled worker's uncommitted rows block its successor. A row holds no text. `kind` tells creations and edits from
-- deletions; label, probability and version are null where nothing was scored.
CREATE TABLE predictions (
    reader      text NOT NULL,
    partition   integer NOT NULL,
    position    bigint NOT NULL,
    post_id     text NOT NULL,
    source      text NOT NULL,
    author      text,
    kind        text NOT NULL,
    revision    bigint NOT NULL,
    seen_at     timestamptz NOT NULL,
    label       text,
    probability real,            -- of the label that the project keeps
    version     integer          -- of the model
) PARTITION BY RANGE (seen_at);
CREATE INDEX ON predictions USING brin (position);

-- The newest revision of every live post that could be kept: probability at or above the keep floor.
CREATE TABLE candidates (
    post_id     text PRIMARY KEY,
    revision    bigint NOT NULL,
    source      text NOT NULL,
    text        text NOT NULL,
    created_at  timestamptz,
    seen_at     timestamptz NOT NULL,
    author      text,
    lang        text,
    url         text,
    links       text[] NOT NULL, -- canonical
    tags        text[] NOT NULL,
    media       text[] NOT NULL,
    reply_to    text,
    repost_of   text,
    cid         text,
    extra       jsonb NOT NULL,
    label       text NOT NULL,
    probability real NOT NULL,
    version     integer NOT NULL REFERENCES models,
    position    bigint NOT NULL, -- its place in the order of arrival
    stored_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX ON candidates (position);
CREATE INDEX ON candidates (source, author);

-- Who linked what, and when.
CREATE TABLE candidate_links (
    post_id text NOT NULL REFERENCES candidates ON DELETE CASCADE,
    url     text NOT NULL,       -- canonical, at most 2,000 bytes
    domain  text NOT NULL,
    author  text,
    seen_at timestamptz NOT NULL,
    PRIMARY KEY (post_id, url)
);
CREATE INDEX ON candidate_links (url);

-- What people see. The threshold moves by one row in threshold_moves; nothing is scored again.
CREATE VIEW kept AS
    SELECT candidates.*
    FROM candidates JOIN thresholds USING (version)
    WHERE probability >= thresholds.threshold;

CREATE VIEW links AS
    SELECT candidate_links.url, min(candidate_links.domain) AS domain, min(candidate_links.seen_at) AS first_seen_at,
           max(candidate_links.seen_at) AS last_seen_at, count(*) AS posts,
           count(DISTINCT candidate_links.author) AS authors
    FROM candidate_links JOIN kept USING (post_id)
    GROUP BY candidate_links.url;

-- The newest prediction of every post that is not deleted, as each reader sees it.
CREATE VIEW current_predictions AS
    SELECT DISTINCT ON (p.reader, p.post_id) p.*
    FROM predictions p
    WHERE p.kind IN ('create', 'update')
      AND NOT EXISTS (SELECT FROM tombstones t WHERE t.post_id = p.post_id AND t.revision >= p.revision)
      AND NOT EXISTS (SELECT FROM forgotten_authors f
                      WHERE f.source = p.source AND f.author = p.author AND f.revision >= p.revision)
    ORDER BY p.reader, p.post_id, p.revision DESC, p.partition, p.position DESC;

-- Datasets ------------------------------------------------------------------------------------------------------

-- One row for each dataset. Its posts stand in a table of their own, named <prefix>raw_tweet_dataset_<version> and made
-- by datasets/tables.py; deduplicated, test, dev, snorkel_train and train datasets are views of it.
CREATE TABLE datasets (
    prefix     text NOT NULL,
    version    integer NOT NULL,
    state      text NOT NULL DEFAULT 'collecting' CHECK (state IN ('collecting', 'collected', 'split')),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    split_at   timestamptz,
    settings   jsonb NOT NULL,
    counts     jsonb NOT NULL DEFAULT '{}',
    sha256     text,             -- of the ids of every split, in order
    PRIMARY KEY (prefix, version)
);

-- What people (or an import) say of a post. Only ever added to; the latest answer of each annotator counts.
CREATE TABLE annotations (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    post_id   text NOT NULL,
    revision  bigint NOT NULL,
    label     text,              -- null where nothing is said: a skip, or an earlier answer taken back
    annotator text NOT NULL,
    strategy  text NOT NULL,     -- which way of asking brought the post up
    chance    real,              -- the probability with which it was drawn
    note      text,
    at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    act       text NOT NULL DEFAULT 'answer' CHECK (act IN ('answer', 'skip', 'undo', 'adjudicate')),
    round     integer,           -- the draw that asked; null when nobody was asked
    seconds   real,              -- how long the post stood before the person
    shown     jsonb,             -- what was suggested: probability, version, soft label; null when it was hidden. Or Label Studio's number for it
    batch     bigint             -- the same number for all that were labelled at once
);
CREATE INDEX ON annotations (post_id, annotator, id);
CREATE INDEX ON annotations (annotator, id);
CREATE INDEX ON annotations (batch) WHERE batch IS NOT NULL;

-- The answer of each person that counts.
CREATE VIEW latest_answers AS
    SELECT DISTINCT ON (post_id, annotator) *
    FROM annotations WHERE act <> 'adjudicate' ORDER BY post_id, annotator, id DESC;

-- The gold label of a post: what was adjudicated, or else the one on which all annotators that have answered agree.
CREATE VIEW gold AS
    SELECT post_id,
           coalesce(min(label) FILTER (WHERE act = 'adjudicate'), min(label) FILTER (WHERE act <> 'adjudicate')) AS label,
           count(*) FILTER (WHERE act <> 'adjudicate') AS annotators,
           bool_or(act = 'adjudicate') AS adjudicated
    FROM (SELECT DISTINCT ON (post_id, CASE act WHEN 'adjudicate' THEN NULL ELSE annotator END) post_id, label, act
          FROM annotations ORDER BY post_id, CASE act WHEN 'adjudicate' THEN NULL ELSE annotator END, id DESC) latest
    WHERE label IS NOT NULL
    GROUP BY post_id
    HAVING bool_or(act = 'adjudicate') OR count(DISTINCT label) = 1;

-- Posts on whose label people disagree, until somebody adjudicates.
CREATE TABLE conflicts (
    post_id text PRIMARY KEY,
    since   timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- One row for each draw of posts to ask about: from how many, by which mix of strategies.
CREATE TABLE rounds (
    round integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    pool  bigint NOT NULL,       -- posts that could have been drawn
    drawn bigint NOT NULL,
    mix   jsonb NOT NULL,
    seed  bigint NOT NULL
);

-- Posts that people are asked about, in the order in which they are asked: random within a round.
CREATE TABLE questions (
    post_id     text PRIMARY KEY,
    place       double precision NOT NULL,
    round       integer NOT NULL REFERENCES rounds,
    strategy    text NOT NULL,
    chance      real NOT NULL CHECK (chance > 0 AND chance <= 1),
    weight      real NOT NULL DEFAULT 1,   -- how many posts of the stream it stands for
    probability real,            -- what the champion said of it when it was drawn
    version     integer,
    soft_label  real,            -- what the label model said, of the label that the project keeps
    answers     integer NOT NULL DEFAULT 0, -- people whose answer counts
    open        boolean NOT NULL DEFAULT true -- false once enough have answered, and when the post is gone
);
CREATE INDEX ON questions (place) WHERE open;
CREATE INDEX ON questions (round);

-- Who has which question on the screen, so that two people are not asked the same.
CREATE TABLE loans (
    post_id   text NOT NULL,
    annotator text NOT NULL,
    until     timestamptz NOT NULL,
    PRIMARY KEY (post_id, annotator)
);

-- People who answer, and how far each has got in the order of questions.
CREATE TABLE annotators (
    name      text PRIMARY KEY,
    place     double precision NOT NULL DEFAULT 0,
    joined_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Whether somebody found an answer of the model right, with what they were shown. Only ever added to.
CREATE TABLE feedback (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at            timestamptz NOT NULL DEFAULT clock_timestamp(),
    place         text NOT NULL CHECK (place IN ('live', 'try', 'rest')), -- where it was said, and so what of:
    post_id       text,          -- live: a kept post
    text          text,          -- try: what was typed; a post's words stand elsewhere, and go when it is deleted
    prediction_id uuid,          -- rest: an answer of serving
    who           text,          -- null over REST, which knows nobody
    correct       boolean NOT NULL,
    right_label   text,          -- where somebody said it
    label         text NOT NULL, -- what the model said
    probability   real NOT NULL, -- as it was shown: of the label that the project keeps on the pages, of `label` over REST
    threshold     real,          -- in force then; null over REST
    version       integer NOT NULL -- of the model
);
CREATE INDEX ON feedback (post_id) WHERE post_id IS NOT NULL;
CREATE INDEX ON feedback (prediction_id) WHERE prediction_id IS NOT NULL;

-- What counts: the last that each person said of a post or text, and the last that was said of an answer of serving.
CREATE VIEW latest_feedback AS
    SELECT DISTINCT ON (version, place, prediction_id, who, post_id, md5(text)) *
    FROM feedback ORDER BY version, place, prediction_id, who, post_id, md5(text), id DESC;

-- What each version of a labelling function said of each revision of a post; a null vote is an abstention.
CREATE TABLE votes (
    function text NOT NULL,
    version  text NOT NULL,      -- hash of the function's code and constants
    post_id  text NOT NULL,
    revision bigint NOT NULL,
    vote     text,
    PRIMARY KEY (function, version, post_id, revision)
);

-- What a label model made of the votes.
CREATE TABLE soft_labels (
    prefix        text NOT NULL,
    dataset       integer NOT NULL,
    post_id       text NOT NULL,
    revision      bigint NOT NULL,
    probabilities real[] NOT NULL,  -- one per project label, in order
    covered       boolean NOT NULL, -- false when every function abstained
    PRIMARY KEY (prefix, dataset, post_id)
);

-- One row for each run of the label model: what it read and how well it did.
CREATE TABLE label_runs (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    prefix      text NOT NULL,
    dataset     integer NOT NULL,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    label_model text NOT NULL,
    functions   jsonb NOT NULL,  -- name → version
    report      jsonb NOT NULL
);
