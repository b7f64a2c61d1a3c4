/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A WebSocket (RFC 6455) that sends back what it is sent, texts and binary
 * messages, up to 1 MiB each.
 */

package function

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"strings"
)

const (
	guid       = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
	messageMax = 1 << 20

	opContinue = 0x0
	opClose    = 0x8
	opPing     = 0x9
	opPong     = 0xa
	final      = 0x80
	masked     = 0x80
)

var (
	errProtocol = errors.New("\x03\xea") // 1002
	errTooLarge = errors.New("\x03\xf1") // 1009
)

type frame struct {
	isFinal bool
	op      byte
	data    []byte
}

func Handle(w http.ResponseWriter, r *http.Request) {
	key := r.Header.Get("Sec-WebSocket-Key")

	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") || key == "" {
		w.Header().Set("Upgrade", "websocket")
		http.Error(w, "this is a WebSocket", http.StatusUpgradeRequired)
		return
	}

	hijacker, ok := w.(http.Hijacker)
	if !ok {
		http.Error(w, "no WebSocket here", http.StatusNotImplemented)
		return
	}

	conn, stream, err := hijacker.Hijack()
	if err != nil {
		http.Error(w, "no WebSocket here", http.StatusInternalServerError)
		return
	}
	defer conn.Close()

	sum := sha1.Sum([]byte(key + guid))

	_, _ = stream.WriteString("HTTP/1.1 101 Switching Protocols\r\n" +
		"Upgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: " +
		base64.StdEncoding.EncodeToString(sum[:]) + "\r\n\r\n")

	if stream.Flush() == nil {
		echo(stream)
	}
}

// echo answers messages until the client closes, is lost, or is wrong.
func echo(stream *bufio.ReadWriter) {
	var kind byte
	var message []byte

	for {
		f, err := read(stream.Reader, messageMax-len(message))

		if err == errProtocol || err == errTooLarge {
			_ = write(stream.Writer, opClose, []byte(err.Error()))
			return
		}
		if err != nil {
			return
		}

		switch {
		case f.op == opClose:
			_ = write(stream.Writer, opClose, f.data)
			return

		case f.op == opPing:
			err = write(stream.Writer, opPong, f.data)

		case f.op == opPong:

		case (f.op == opContinue) != (kind != 0):
			_ = write(stream.Writer, opClose, []byte(errProtocol.Error()))
			return

		default:
			if f.op != opContinue {
				kind = f.op
			}

			message = append(message, f.data...)

			if f.isFinal {
				err = write(stream.Writer, kind, message)
				kind, message = 0, nil
			}
		}

		if err != nil {
			return
		}
	}
}

func read(in *bufio.Reader, max int) (frame, error) {
	var head [8]byte

	if _, err := io.ReadFull(in, head[:2]); err != nil {
		return frame{}, err
	}

	f := frame{isFinal: head[0]&final != 0, op: head[0] & 0xf}
	isMasked := head[1]&masked != 0
	size := uint64(head[1] &^ masked)

	// no extension was agreed on, and a client has to mask
	if head[0]&0x70 != 0 || !isMasked || f.op > opPong ||
		(f.op > 2 && f.op < opClose) ||
		(f.op >= opClose && (size > 125 || !f.isFinal)) {
		return frame{}, errProtocol
	}

	if size >= 126 {
		n := 2
		if size == 127 {
			n = 8
		}
		if _, err := io.ReadFull(in, head[8-n:]); err != nil {
			return frame{}, err
		}
		for i := 0; i < 8-n; i++ {
			head[i] = 0
		}
		size = binary.BigEndian.Uint64(head[:])
	}

	if size > uint64(max) && f.op < opClose {
		return frame{}, errTooLarge
	}

	var mask [4]byte
	if _, err := io.ReadFull(in, mask[:]); err != nil {
		return frame{}, err
	}

	f.data = make([]byte, size)
	if _, err := io.ReadFull(in, f.data); err != nil {
		return frame{}, err
	}

	for i := range f.data {
		f.data[i] ^= mask[i&3]
	}

	return f, nil
}

func write(out *bufio.Writer, op byte, data []byte) error {
	head := []byte{final | op, byte(len(data))}

	switch {
	case len(data) > 0xffff:
		head = binary.BigEndian.AppendUint64([]byte{head[0], 127},
			uint64(len(data)))
	case len(data) > 125:
		head = binary.BigEndian.AppendUint16([]byte{head[0], 126},
			uint16(len(data)))
	}

	_, _ = out.Write(head)
	_, _ = out.Write(data)

	return out.Flush()
}
