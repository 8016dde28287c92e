"""The command line: one file per command, a page of options and one call each.

Exit codes: 0 done; 1 it could not be done, and the message says what to do; 2 the command was not written right;
130 stopped by Ctrl-C. With `--json` the last line on standard output is one JSON object; the rest is on standard error.
"""

import sys

import click

from goldstream.cli.annotations import annotations
from goldstream.cli.backup import backup
from goldstream.cli.classify import classify
from goldstream.cli.config import config
from goldstream.cli.dataset import dataset
from goldstream.cli.dead_letters import dead_letters
from goldstream.cli.demo import demo
from goldstream.cli.dev import dev
from goldstream.cli.doctor import doctor
from goldstream.cli.evaluate import evaluate
from goldstream.cli.explain import explain
from goldstream.cli.fit import fit
from goldstream.cli.ingest import ingest
from goldstream.cli.init import init
from goldstream.cli.label import label
from goldstream.cli.links import links
from goldstream.cli.log import log
from goldstream.cli.models import models
from goldstream.cli.predict import predict
from goldstream.cli.reset import reset
from goldstream.cli.restore import restore
from goldstream.cli.serve import serve
from goldstream.cli.status import status
from goldstream.cli.train import train
from goldstream.cli.up import up
from goldstream.errors import GoldstreamError


class _InOrder(click.Group):
    """Lists commands in the order in which a newcomer needs them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=_InOrder, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="goldstream")
def goldstream() -> None:
    """Turn a live stream of short texts into a labelled dataset, a classifier, and a feed of the posts that matter."""


for _command in (
    demo, init, up, ingest, dataset, label, annotations, train, evaluate, explain, predict, fit, models, classify, serve, links,
    dead_letters, status, doctor, backup, restore, config, log, dev, reset,
):  # fmt: skip
    goldstream.add_command(_command)


def main() -> None:
    """Run the command line; errors that goldstream can explain become one line on standard error."""
    try:
        goldstream.main(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except GoldstreamError as error:
        click.echo(f"goldstream: {error}", err=True)
        sys.exit(1)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
