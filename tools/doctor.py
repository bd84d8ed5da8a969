"""Find out whether everything that training needs is here and fits together; see --help."""

import sys
from importlib.util import find_spec
from types import ModuleType


def import_what_can_be() -> None:
    """Import the package; where that fails, let its modules that need nothing be imported."""
    try:
        import msa_backbone  # noqa: F401
    except Exception:  # why is what the doctor finds out
        package = ModuleType("msa_backbone")
        package.__path__ = list(find_spec("msa_backbone").submodule_search_locations)
        sys.modules["msa_backbone"] = package


if __name__ == "__main__":
    import_what_can_be()
    from msa_backbone.cli.doctor import main

    main()
