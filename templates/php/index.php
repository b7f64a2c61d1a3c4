<?php

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Calls the handler once, with the request's body.  What it prints and returns
 * is the answer; an exception is in the log, and the answer 500.  Classes of
 * App\ are found below function/src, others as Composer has them.
 */

declare(strict_types=1);

if (is_file(__DIR__ . '/function/vendor/autoload.php')) {
    require __DIR__ . '/function/vendor/autoload.php';
}

spl_autoload_register(function (string $class): void {
    $path = str_replace('\\', '/', $class);

    if (strncmp($path, 'App/', 4) === 0) {
        $file = __DIR__ . '/function/src/' . substr($path, 4) . '.php';

        if (is_file($file)) {
            require $file;
        }
    }
});

echo (new App\Handler())->handle(file_get_contents('php://stdin'));
