/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The door of storage/: images and copy-on-write root file systems. (Drivers follow; a spec that asks for one is refused until then.) */
#pragma once
