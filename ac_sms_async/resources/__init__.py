"""What a person calls: one class for each part of the API, joined to the transport and the mechanisms."""
