#!/bin/bash
# The request's body is standard input, its method, path and query are
# $Http_Method, $Http_Path and $Http_Query, a header X-Name is $Http_X_Name.

set -euo pipefail

echo "Hello! You said: $(cat)"
