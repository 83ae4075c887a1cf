"""The labelling page: people label a campaign in a browser."""
