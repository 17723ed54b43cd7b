"""The matching core: order books and account risk, as a fold over events.

`matching.engine` decides and replays, `matching.command` packs commands, `matching.ids` renders ids.
"""
