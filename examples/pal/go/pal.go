// SPDX-License-Identifier: Apache-2.0

// The example of ../c in Go: an enclave runtime without an enclave, version 2 of the PAL API. Its only
// programs are `say WORDS...` and `wait`, which a signal ends.
package main

// #include "pal_calls.h"
import "C"

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"unsafe"
)

type process struct {
	waits  bool
	signal chan int // closed by nobody; one signal is enough
	text   string
	out    *os.File
}

var (
	lock   sync.Mutex
	last   C.int
	living = map[C.int]*process{}
)

//export goInit
func goInit(attr *C.pal_attr_v1_t) C.int {
	// Here the enclave is created; its files are in the working directory.
	fmt.Fprintf(os.Stderr, "example: arguments `%s`, log level %s\n",
		C.GoString(attr.args), C.GoString(attr.log_level))
	return 0
}

//export goCreateProcess
func goCreateProcess(args *C.pal_create_process_args) C.int {
	words := list(args.argv)
	if len(words) == 0 || (words[0] != "say" && words[0] != "wait") {
		return -C.int(syscall.ENOENT)
	}
	// A duplicate: the streams are the caller's.
	fd, err := syscall.Dup(int(C.stdout_of(args)))
	if err != nil {
		return -C.int(err.(syscall.Errno))
	}
	lock.Lock()
	defer lock.Unlock()
	last++
	living[last] = &process{
		waits:  words[0] == "wait",
		signal: make(chan int, 1),
		text:   strings.Join(words[1:], " "),
		out:    os.NewFile(uintptr(fd), "stdout"),
	}
	*args.pid = last
	return 0
}

//export goExec
func goExec(args *C.pal_exec_args) C.int {
	// Here the enclave is entered; calls for several processes overlap, each on its own thread.
	lock.Lock()
	found := living[args.pid]
	lock.Unlock()
	if found == nil {
		return -C.int(syscall.ESRCH)
	}
	defer found.out.Close()
	status := 0
	if found.waits {
		status = 128 + <-found.signal
	} else {
		fmt.Fprintln(found.out, found.text)
	}
	lock.Lock()
	delete(living, args.pid)
	lock.Unlock()
	*args.exit_value = C.int(status)
	return 0
}

//export goKill
func goKill(pid C.int, signal C.int) C.int {
	lock.Lock()
	defer lock.Unlock()
	for number, one := range living {
		if pid != -1 && pid != number {
			continue
		}
		select {
		case one.signal <- int(signal):
		default: // one is on its way
		}
	}
	return 0
}

// list copies: nothing of the caller's lives longer than the call.
func list(argv **C.char) []string {
	var words []string
	for ; *argv != nil; argv = (**C.char)(unsafe.Add(unsafe.Pointer(argv), unsafe.Sizeof(*argv))) {
		words = append(words, C.GoString(*argv))
	}
	return words
}

func main() {} // an archive has none, and needs one
