"""What is old goes, and nothing else."""

from datetime import timedelta

from goldstream.clock import now
from goldstream.store import Store, dead_letters, prediction_days


def test_old_days_of_predictions_go(store: Store) -> None:
    today = now().date()
    with store.connect(name="test") as conn:
        prediction_days.make(conn, [today - timedelta(days=200)])
        prediction_days.make(conn, [today])
        gone = prediction_days.drop(conn, today - timedelta(days=90))
        left = conn.execute("SELECT count(*) FROM pg_inherits WHERE inhparent = 'predictions'::regclass").fetchone()
    assert gone == [prediction_days.table(today - timedelta(days=200)), prediction_days.table(today - timedelta(days=199))]
    assert left == (2,)


def test_old_letters_go(store: Store) -> None:
    with store.connect(name="test") as conn:
        conn.execute(
            "INSERT INTO dead_letters (stage, source, reason, payload, at) "
            "SELECT 'source', 's', 'r', '', now() - make_interval(days => age) FROM unnest('{0,100}'::int[]) age"
        )
        assert dead_letters.drop_older(conn, 30 * 86_400) == 1
        assert conn.execute("SELECT count(*) FROM dead_letters").fetchone() == (1,)
