"""From the name of a model to a directory: a path, a known model, or the Hugging Face hub."""

from llmal.loading.directories import MINILM as MINILM
from llmal.loading.directories import is_path as is_path
from llmal.loading.directories import load_local as load_local
from llmal.loading.directories import load_offline_first as load_offline_first
from llmal.loading.directories import local_directory as local_directory
from llmal.loading.fetching import obtain as obtain
from llmal.loading.hub import quiet_loading as quiet_loading
from llmal.loading.kept import Manifest as Manifest
from llmal.loading.kept import read_manifest as read_manifest
from llmal.loading.known_models import REGISTRY as REGISTRY
from llmal.loading.known_models import KnownModel as KnownModel
from llmal.loading.known_models import PackagedFile as PackagedFile
from llmal.loading.known_models import hub_name_fix as hub_name_fix
from llmal.loading.known_models import known_model as known_model
