"""What the person sees. The only room that knows Qt; one timer, the heartbeat, looks at rings and jobs."""
