// SPDX-License-Identifier: Apache-2.0

// host LIBRARY COUNT: a cgo host of the skeleton enclave, as the original rune was. Goroutines make
// garbage and are preempted by SIGURG while the enclave reports; a nil pointer is recovered from.
package main

/*
#cgo LDFLAGS: -ldl
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
typedef struct { const char *args, *log_level; int fd; uint64_t addr; } attr;
static int start(void *library) {
	int (*init)(attr *) = dlsym(library, "pal_init");
	attr given = {"", "off", -1, 0};
	return init == NULL ? -1 : init(&given);
}
static int report(void *library, uint8_t *target, uint8_t *to) {
	int size = 432;
	int (*get)(void *, int, void *, int *) = dlsym(library, "pal_get_local_report");
	return get(target, 512, to, &size) != 0 ? -1 : size;
}
*/
import "C"

import (
	"encoding/hex"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"unsafe"
)

func churn() {
	for words := map[int][]byte{}; ; {
		for i := 0; i < 1000; i++ {
			words[i] = make([]byte, i)
		}
	}
}

func recovers() (ok bool) {
	defer func() { ok = recover() != nil }()
	var nothing *int
	return *nothing == 0
}

func main() {
	for i := 0; i < 4; i++ {
		go churn()
	}
	library := C.dlopen(C.CString(os.Args[1]), C.RTLD_NOW)
	if library == nil || C.start(library) != 0 {
		fmt.Println("no enclave")
		os.Exit(1)
	}
	count, _ := strconv.Atoi(os.Args[2])
	target, report := make([]byte, 512), make([]byte, 432)
	for i := 0; i < count; i++ {
		if C.report(library, (*C.uint8_t)(unsafe.Pointer(&target[0])), (*C.uint8_t)(unsafe.Pointer(&report[0]))) != 432 || !recovers() {
			fmt.Println("no report", i)
			os.Exit(1)
		}
		if i%10 == 0 {
			runtime.GC()
		}
	}
	fmt.Println(hex.EncodeToString(report[64:96]))
}
