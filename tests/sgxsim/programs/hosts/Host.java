// SPDX-License-Identifier: Apache-2.0

/** Host SHIM LIBRARY COUNT: a JVM with an enclave, which uses SIGSEGV itself, for null checks and safepoints. */
public final class Host {
    private static native int start(String library);

    private static native byte[] report();

    private static volatile Object garbage;

    public static void main(String[] words) throws Exception {
        System.load(words[0]);
        if (start(words[1]) != 0) throw new IllegalStateException("no enclave");
        for (int i = 0; i < 4; i++) {
            Thread thread = new Thread(Host::churn);
            thread.setDaemon(true);
            thread.start();
        }
        byte[] report = null;
        for (int i = 0; i < Integer.parseInt(words[2]); i++) {
            report = report();
            if (!throwsOnNull(null)) throw new IllegalStateException("a null was none");
            if (i % 10 == 0) System.gc();
        }
        StringBuilder hex = new StringBuilder();
        for (int i = 64; i < 96; i++) hex.append(String.format("%02x", report[i]));
        System.out.println(hex);
    }

    private static void churn() {
        for (int i = 0; ; i = (i + 1) % 1000) garbage = new byte[i];
    }

    private static boolean throwsOnNull(String text) {
        try {
            return text.length() < 0;
        } catch (NullPointerException expected) {
            return true;
        }
    }
}
