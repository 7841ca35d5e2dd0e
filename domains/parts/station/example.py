"""A station file to begin with; a test reads it."""

EXAMPLE = """\
# A station that judges every picture dropped into the folder "camera".
# domains/parts/README.md lists every entry.
name = "line-1"

[trigger]
kind = "file"            # file, free_running, modbus, mqtt, opcua

[outputs.csv]            # one file a day, one line a part
folder = "results"

# [outputs.modbus]       # a PLC reads and writes the register block here
# port = 502

# [outputs.mqtt]
# host = "127.0.0.1"
# topic = "plant/line-1"

# [outputs.opcua]
# endpoint = "opc.tcp://0.0.0.0:4840/assay"

[[recipes]]
number = 1
product = "bracket"      # `assay deploy BUNDLE --product bracket` says what judges it
deadline_ms = 500        # from trigger to output; a later verdict is FAIL LATE

[[recipes.cameras]]
name = "top"
kind = "folder"          # folder, video (device, file, RTSP), genicam
source = "camera"

[recipes.part_id]
source = "file_name"     # none, code (barcode or QR in the picture), trigger, file_name
"""
