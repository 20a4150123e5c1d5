"""The import of a catalogue file into the shop.

``table`` and ``xml_feed`` yield the rows of a file, ``mapping`` names the columns, ``survey``
checks the whole file, ``reader`` makes products from rows (``grouped`` and ``children`` from
several), ``writer`` stores them, and ``importer`` runs all as one stream.
"""
