"""Remembers the folder that tox was called from: modules and files of subjects are found from there."""

import os

os.environ["PLUMBLINE_CALLER"] = os.getcwd()
