"""`ac-sms`, also as `python -m ac_sms_async`."""

from __future__ import annotations

import sys

_NEEDED = ("click", "rich")


def main() -> None:
    """Run the command; without the `[cli]` extra, say how to install it."""
    try:
        from ac_sms_async.cli.main import run
        from ac_sms_async.cli.streams import prepare_streams

        prepare_streams()
        sys.exit(run())
    except ModuleNotFoundError as error:
        # Some of it is imported only when it is used.
        if (error.name or "").partition(".")[0] not in _NEEDED:
            raise
        sys.exit("the ac-sms command needs click and rich: pip install 'ac-sms-async[cli]'")
    except KeyboardInterrupt:
        # While all this is read, which takes a moment.
        sys.exit(130)


if __name__ == "__main__":
    main()
