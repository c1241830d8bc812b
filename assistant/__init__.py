"""The assistant: questions in, answers with checked citations out."""
