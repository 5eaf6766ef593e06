"""`python -m smart_ai_router` is the same as the command `smart-ai-router`."""

from smart_ai_router.cli import main

if __name__ == "__main__":
    main()
