# SPDX-License-Identifier: Apache-2.0
"""host.py LIBRARY COUNT: a Python host of the skeleton enclave, with threads and child processes."""
import ctypes
import subprocess
import sys
import threading


class Attr(ctypes.Structure):
    _fields_ = [
        ("args", ctypes.c_char_p),
        ("log_level", ctypes.c_char_p),
        ("fd", ctypes.c_int),
        ("addr", ctypes.c_uint64),
    ]


library = ctypes.CDLL(sys.argv[1])
assert library.pal_init(ctypes.byref(Attr(b"", b"off", -1, 0))) == 0
children = []
thread = threading.Thread(target=lambda: children.append(subprocess.run(["true"]).returncode))
thread.start()
report = ctypes.create_string_buffer(432)
for _ in range(int(sys.argv[2])):
    size = ctypes.c_int(432)
    target = ctypes.create_string_buffer(512)
    assert library.pal_get_local_report(target, 512, report, ctypes.byref(size)) == 0
thread.join()
assert children == [0]
print(report.raw[64:96].hex())
