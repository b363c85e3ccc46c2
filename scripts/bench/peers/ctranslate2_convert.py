"""CTranslate2's converter of OpenNMT-py's checkpoints, with a class that torch must be told to trust. Runs in the
peer's environment, on a checkpoint made there."""

import argparse
import sys

import torch
from ctranslate2.converters.opennmt_py import main

torch.serialization.add_safe_globals([argparse.Namespace])
sys.exit(main())
