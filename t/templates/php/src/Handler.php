<?php

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What t/950-templates.t asks of each template.
 */

namespace App;

class Handler
{
    public function handle(string $data): string
    {
        switch (getenv('Http_Path')) {
            case '/fail':
                throw new \RuntimeException('deliberate');

            case '/request':
                return implode(' ', [getenv('Http_Method'),
                    getenv('Http_Path'), getenv('Http_Query'),
                    getenv('Http_X_Test')]);

            default:
                return $data;
        }
    }
}
