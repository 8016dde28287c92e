"""Every error that goldstream raises on purpose.

::

    GoldstreamError
    ├── SettingsError        goldstream.toml, or a file it names, is not usable as it is
    ├── PluginError          a source, log, model or registry of that name is not installed, or breaks its promises
    ├── StoreError           PostgreSQL can't be started, reached or used
    │   └── SchemaError      the database belongs to a newer goldstream, or to something else
    ├── LogError             the log can't give what a reader asked for
    │   ├── LogUnreachable   no broker answers; it may answer again
    │   ├── PositionError    a position lies past the end of the log, or belongs to another log
    │   └── Superseded       another worker has taken this reader over; this one wrote nothing
    ├── SourceError          a source can't be read: a missing file, a missing column, a refused connection
    ├── DataError            a table, a column or a value is not what the step needs
    ├── LabelingError        labelling functions can't be loaded, or give no usable votes
    ├── ModelError           a model can't be fitted, saved, loaded or trusted
    │   └── ModelRefused     a model folder failed its checks, so the model before it stays
    └── RegistryError        no such version or alias, or a move that is not allowed
        └── RegistryUnreachable  no MLflow answers, or it lets nobody in; that says nothing about the models in it

A bad *record* is not an error: it goes to the dead letters with a reason, and the stream goes on.
"""


class GoldstreamError(Exception):
    """Something that goldstream can explain: the message says what, where, and what to do."""


class SettingsError(GoldstreamError):
    """The settings are not usable as they are."""


class PluginError(GoldstreamError):
    """A plug-in is missing, or breaks a promise of its seam."""


class StoreError(GoldstreamError):
    """PostgreSQL can't be started, reached or used."""


class SchemaError(StoreError):
    """The database belongs to a newer goldstream, or to something else."""


class LogError(GoldstreamError):
    """The log can't give what a reader asked for."""


class LogUnreachable(LogError):
    """No broker answers; it may answer again."""


class PositionError(LogError):
    """A position lies past the end of the log, or belongs to another log."""


class Superseded(LogError):
    """Another worker has taken this reader over; this one wrote nothing and stands down."""


class SourceError(GoldstreamError):
    """A source can't be read."""


class DataError(GoldstreamError):
    """A table, a column or a value is not what the step needs."""


class LabelingError(GoldstreamError):
    """Labelling functions can't be loaded, or give no usable votes."""


class ModelError(GoldstreamError):
    """A model can't be fitted, saved, loaded or trusted."""


class ModelRefused(ModelError):
    """A model folder failed its checks, so the model before it stays."""


class RegistryError(GoldstreamError):
    """No such version or alias, or a move that is not allowed."""


class RegistryUnreachable(RegistryError):
    """No MLflow answers, or it lets nobody in; that says nothing about the models in it."""
