<?php

namespace App;

/**
 * Handler of the function
 */
class Handler
{
    /**
     * @param string $data the request's body
     * @return string the answer
     */
    public function handle(string $data): string
    {
        return $data;
    }
}
