// SPDX-License-Identifier: BSD-2-Clause
//
// Calls the handler once, with the request's body.  What it prints and returns
// is the answer; a panic is in the log, and the answer 500.

package main

import (
	"io"
	"log"
	"os"

	function "handler/function"
)

func main() {
	body, err := io.ReadAll(os.Stdin)
	if err != nil {
		log.Fatalf("cannot read the request's body: %v", err)
	}

	if _, err = io.WriteString(os.Stdout, function.Handle(body)); err != nil {
		log.Fatalf("cannot write the answer: %v", err)
	}
}
