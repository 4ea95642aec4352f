"""The generated layer: models, requests and what decodes their answers. Knows no HTTP library; never edited by hand."""
