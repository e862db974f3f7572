"""The configuration of Spring Boot applications: documents, profiles, names, placeholders."""
