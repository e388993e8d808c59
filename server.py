"""The service: `python server.py` serves the rules in `rules` on 127.0.0.1:50051. It is what `dianjia serve` runs."""

from engine.commands.serve import main

if __name__ == "__main__":
    main()
