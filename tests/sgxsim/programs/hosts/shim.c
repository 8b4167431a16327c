// SPDX-License-Identifier: Apache-2.0
/* The skeleton enclave for hosts that call no C by themselves: Java (JNI). */
#include <dlfcn.h>
#include <jni.h>
#include <stdint.h>
#include <string.h>

static int (*get)(void *, int, void *, int *);

JNIEXPORT jint JNICALL Java_Host_start(JNIEnv *env, jclass self, jstring path)
{
    struct {
        const char *args, *log_level;
        int fd;
        uint64_t addr;
    } attr = {"", "off", -1, 0};
    (void)self;
    const char *text = (*env)->GetStringUTFChars(env, path, NULL);
    void *library = dlopen(text, RTLD_NOW);
    (*env)->ReleaseStringUTFChars(env, path, text);
    if (library == NULL)
        return -1;
    int (*init)(void *) = (int (*)(void *))dlsym(library, "pal_init");
    get = (int (*)(void *, int, void *, int *))dlsym(library, "pal_get_local_report");
    return init(&attr);
}

JNIEXPORT jbyteArray JNICALL Java_Host_report(JNIEnv *env, jclass self)
{
    uint8_t target[512] = {0}, report[432];
    int size = sizeof report;
    (void)self;
    if (get(target, sizeof target, report, &size) != 0)
        return NULL;
    jbyteArray bytes = (*env)->NewByteArray(env, size);
    (*env)->SetByteArrayRegion(env, bytes, 0, size, (const jbyte *)report);
    return bytes;
}
