"""What a caller of Dianjia's service needs: the messages, and a client. Nothing here imports the engine."""
