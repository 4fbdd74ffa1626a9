"""The older place of hub's downloads."""

from tinytensor.hub import download_url_to_file as _download_url_to_file
from tinytensor.hub import load_state_dict_from_url as load_url

__all__ = ["_download_url_to_file", "load_url"]
