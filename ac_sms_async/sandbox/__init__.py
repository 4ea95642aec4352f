"""A stateful ActiveCampaign SMS look-alike to test against."""
