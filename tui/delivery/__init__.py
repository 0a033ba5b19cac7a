"""The Delivery view: what is pending, sent and dead, and the API it goes to."""
