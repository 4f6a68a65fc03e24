"""The Flask application of 儿童主任学堂."""
