#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A picture in, a PNG out that is no larger than ?size=PIXELS (128, up to 1024)
# on each side.  Formats are named: nobody may make ImageMagick run one of its
# delegates by what a file seems to be.

set -euo pipefail

MEGABYTES=256           # of memory, for one picture
SECONDS_MAX=20

size=128

if [[ ${Http_Query-} =~ (^|&)size=([1-9][0-9]{0,3})(&|$) ]]; then
    size=${BASH_REMATCH[2]}
fi

if [ "$size" -gt 1024 ]; then
    echo 'size is at most 1024' >&2
    exit 1
fi

file=$(mktemp)
trap 'rm -f "$file"' EXIT
cat > "$file"

case $(head -c 12 "$file" | od -An -v -tx1 | tr -d ' \n') in
89504e470d0a1a0a*)          format=png ;;
ffd8ff*)                    format=jpeg ;;
47494638*)                  format=gif ;;
52494646????????57454250)   format=webp ;;
*)
    echo 'the picture is no PNG, JPEG, GIF or WebP' >&2
    exit 1
    ;;
esac

# the first picture of several
convert -limit memory "${MEGABYTES}MiB" -limit map 0 -limit disk 0 \
    -limit time "$SECONDS_MAX" "$format:${file}[0]" -auto-orient \
    -thumbnail "${size}x${size}>" png:-
