// SPDX-License-Identifier: BSD-2-Clause
//
// The HTTP server that calls the handler.  It serves on the socket that it is
// given as descriptor 3 (LISTEN_FDS), else on 127.0.0.1 and port http_port
// (8082).  A panic is a stack in the log, and 500.

package main

import (
	"context"
	"errors"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	function "handler/function"
)

const (
	idle   = 300 * time.Second // longer than the watchdog keeps a connection
	ending = 30 * time.Second
	failed = "the function has failed, its log says how"
)

func serve(w http.ResponseWriter, r *http.Request) {
	defer func() {
		switch cause := recover(); cause {
		case nil:
		case http.ErrAbortHandler:
			panic(cause)
		default:
			log.Printf("panic: %v\n%s", cause, debug.Stack())

			// after the head this cuts the answer, as it should
			http.Error(w, failed, http.StatusInternalServerError)
		}
	}()

	function.Handle(w, r)
}

func listener() (net.Listener, error) {
	if os.Getenv("LISTEN_FDS") == "1" {
		return net.FileListener(os.NewFile(3, "listener"))
	}

	port := os.Getenv("http_port")
	if port == "" {
		port = "8082"
	}

	return net.Listen("tcp", "127.0.0.1:"+port)
}

func main() {
	server := &http.Server{Handler: http.HandlerFunc(serve), IdleTimeout: idle}

	socket, err := listener()
	if err != nil {
		log.Fatalf("cannot listen: %v", err)
	}

	// the watchdog sends SIGTERM when nothing is in flight any more
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)

	ended := make(chan struct{})

	go func() {
		<-signals

		ctx, cancel := context.WithTimeout(context.Background(), ending)
		defer cancel()

		_ = server.Shutdown(ctx) // what is left then is cut by the end
		close(ended)
	}()

	if err = server.Serve(socket); !errors.Is(err, http.ErrServerClosed) {
		log.Fatalf("cannot serve: %v", err)
	}

	<-ended
}
